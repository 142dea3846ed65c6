"""Images from one .npz file."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tegnas.data import load_batch
from tegnas.errors import InputError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4


def save(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "file.npz", **arrays)
    return folder / "file.npz"


def normalised(pixels: np.ndarray) -> np.ndarray:
    floats = pixels / 255.0
    return (floats - floats.mean((0, 1, 2))) / floats.std((0, 1, 2))


def assert_holds(batch, images: np.ndarray, labels: np.ndarray) -> None:
    """Every image of the batch is one of ``images`` (channel last), with its label."""
    found = np.concatenate([batch.images.numpy(), batch.val_images.numpy()]).transpose(0, 2, 3, 1)
    for image, label in zip(found, batch.labels.tolist() + batch.val_labels.tolist(), strict=True):
        distance = np.abs(images - image).max((1, 2, 3))
        assert distance.min() < 1e-5 and labels[distance.argmin()] == label


@pytest.mark.parametrize("layout", ["channel last", "channel first", "other names", "compressed"])
def test_uint8_layouts(tmp_path, layout):
    if layout == "channel last":
        file = save(tmp_path, x=PIXELS, y=LABELS)
    elif layout == "channel first":
        file = save(tmp_path, x=PIXELS.transpose(0, 3, 1, 2), y=LABELS.astype(np.uint8))
    elif layout == "other names":
        file = save(tmp_path, images=PIXELS, labels=LABELS[:, None])
    else:
        file = tmp_path / "file.npz"
        np.savez_compressed(file, x=PIXELS, y=LABELS)
    batch = load_batch(file, train=8, val=6)
    assert batch.images.shape == (8, 3, 6, 5) and batch.num_classes == 4
    assert_holds(batch, normalised(PIXELS), LABELS)


@pytest.mark.parametrize("grey", [PIXELS[..., 0], PIXELS[..., :1], PIXELS[:, None, :, :, 0]])
def test_grey_images_keep_their_one_channel(tmp_path, grey):
    batch = load_batch(save(tmp_path, x=grey, y=LABELS), train=8, val=6)
    assert batch.images.shape == (8, 1, 6, 5)
    assert_holds(batch, normalised(PIXELS[..., :1]), LABELS)


def test_stored_mean_and_std_are_used(tmp_path):
    mean, std = [0.5, 0.25, 0.0], [0.5, 1.0, 0.0]
    file = save(tmp_path, x=PIXELS, y=LABELS, mean=mean, std=std)
    expected = (PIXELS / 255.0 - mean) / [0.5, 1.0, 1.0]
    assert_holds(load_batch(file, train=8, val=6), expected, LABELS)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_float_images_are_taken_as_they_are(tmp_path, dtype):
    images = RNG.normal(3.0, 5.0, PIXELS.shape).astype(dtype)
    batch = load_batch(save(tmp_path, x=images, y=LABELS), train=8, val=6)
    assert_holds(batch, images.astype(np.float32), LABELS)


def test_labels_with_gaps_are_renumbered_and_counted_over_the_whole_file(tmp_path):
    gaps = np.array([-3, 5, 70, 71])[LABELS]
    batch = load_batch(save(tmp_path, x=PIXELS, y=gaps), train=2, val=2)
    assert batch.num_classes == 4
    assert_holds(batch, normalised(PIXELS), LABELS)


def test_the_path_may_be_given_as_text_or_path(tmp_path):
    file = save(tmp_path, x=PIXELS, y=LABELS)
    assert load_batch(file, train=2, val=2).source == str(file)
    assert load_batch(str(file), train=2, val=2).source == str(file)


NAN = np.where(np.arange(20)[:, None, None, None] == 19, np.nan, np.ones(PIXELS.shape))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": LABELS}, "no array named x or images"),
        ({"x": PIXELS}, "no array named y or labels"),
        ({"x": PIXELS.astype(np.int64), "y": LABELS}, "images of dtype int64; store uint8"),
        ({"x": PIXELS[0, 0], "y": LABELS}, r"images of shape \(5, 3\)"),
        ({"x": PIXELS[..., :2], "y": LABELS}, "neither the second nor the last axis"),
        ({"x": PIXELS[:0], "y": LABELS[:0]}, "there is nothing in them"),
        ({"x": PIXELS, "y": LABELS[:5]}, "20 images but 5 labels"),
        ({"x": PIXELS, "y": LABELS / 2}, "of dtype float64"),
        ({"x": PIXELS, "y": np.eye(4, dtype=int)[LABELS]}, r"shape \(20, 4\)"),
        ({"x": NAN, "y": LABELS}, "NaN or infinite"),
        ({"x": PIXELS, "y": LABELS * 0}, "one class"),
        ({"x": PIXELS, "y": LABELS, "mean": [0.5]}, "only one of mean and std"),
        ({"x": PIXELS, "y": LABELS, "mean": [125.0], "std": [60.0]}, "mean must be one number"),
        ({"x": PIXELS, "y": LABELS, "mean": [0.5] * 2, "std": [0.5]}, "mean must be one number"),
        ({"x": PIXELS / 255, "y": LABELS, "mean": [0.5], "std": [0.5]}, "drop mean and std"),
        ({"x": np.array([PIXELS[0], PIXELS[1, :2]], dtype=object), "y": LABELS}, "Python objects"),
    ],
)
def test_content_that_does_not_fit(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message) as caught:
        load_batch(save(tmp_path, **arrays), train=4, val=4)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 0.5, -10])
def test_truncated_file(tmp_path, keep):
    file = save(tmp_path, x=PIXELS, y=LABELS)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(InputError, match="can't be read as an .npz file"):
        load_batch(file)


def test_other_files_called_npz(tmp_path):
    file = tmp_path / "file.npz"
    for write in (lambda f: np.save(f, PIXELS), lambda f: f.write(b"text")):
        with file.open("wb") as stream:
            write(stream)
        with pytest.raises(InputError, match="can't be read as an .npz file"):
            load_batch(file)


# Other names


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("x_train", "y_train"),
        ("X_train", "Y_train"),
        ("train_images", "train_labels"),
        ("data", "targets"),
        ("X", "y"),
        ("Images", "label"),
        ("arr_0", "arr_1"),
    ],
)
def test_arrays_by_other_names_are_found(tmp_path, images, labels):
    others = {"x_test": PIXELS[::-1], "y_test": LABELS, "test_images": PIXELS, "note": "any"}
    batch = load_batch(save(tmp_path, **{images: PIXELS, labels: LABELS}, **others), train=8, val=6)
    expected = load_batch(save(tmp_path, x=PIXELS, y=LABELS), train=8, val=6)
    assert batch.fingerprint() == expected.fingerprint()


def test_what_the_file_has_is_listed(tmp_path):
    file = save(tmp_path, pixels=PIXELS, y=LABELS)
    with pytest.raises(InputError, match=r"it has pixels \(20×6×5×3 uint8\), y \(20 int64\)"):
        load_batch(file)


def test_other_arrays_are_not_even_read(tmp_path):
    objects = np.array([{"a": 1}], dtype=object)
    assert load_batch(save(tmp_path, x=PIXELS, y=LABELS, extra=objects), train=8, val=6)


# Bombs and lies


def test_arrays_that_unfold_to_very_much_are_refused(tmp_path, monkeypatch):
    file = tmp_path / "file.npz"
    np.savez_compressed(file, x=np.zeros((20, 256, 256, 3), np.uint8), y=LABELS)
    monkeypatch.setattr("tegnas.data.arrays._HARMLESS_BYTES", 2**20)
    with pytest.raises(InputError, match=r"unfolds from .* KiB to 3.8 MiB, as images don't"):
        load_batch(file)
    file = save(tmp_path, x=PIXELS, y=LABELS)
    monkeypatch.setattr("tegnas.data.arrays._MOST_BYTES", 1000)
    with pytest.raises(InputError, match="unfolds to 1.9 KiB, more than the 1000 bytes"):
        load_batch(file)


@pytest.mark.parametrize("shape", ["(1099511627776, 3, 32, 32)", "(20, 6, 5, 4)", "(-1, 6, 5, 3)"])
def test_a_shape_that_the_contents_do_not_have_is_refused(tmp_path, shape):
    stored = io.BytesIO()
    np.save(stored, PIXELS)
    text = stored.getvalue()
    start, end = text.index(b"{"), text.index(b"\n")
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    lie = text[:start] + header.ljust(end - start) + text[end:]
    file = save(tmp_path, y=LABELS)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("x.npy", lie)
    with pytest.raises(InputError, match="can't be read as an .npz file"):
        load_batch(file)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(InputError, match="pipe.npz can't be read: it is a pipe and not a file"):
        load_batch(tmp_path / "pipe.npz")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="it is a device and not a file"):
        load_batch(tmp_path / "zero.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match="it is a folder and not a file"):
        load_batch(tmp_path / "folder.npz")
