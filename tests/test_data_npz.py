"""Images from one .npz file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

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
def test_grey_images_become_three_equal_channels(tmp_path, grey):
    batch = load_batch(save(tmp_path, x=grey, y=LABELS), train=8, val=6)
    assert batch.images.shape == (8, 3, 6, 5)
    assert torch.equal(batch.images[:, 0], batch.images[:, 1])
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
        ({"x": PIXELS, "y": LABELS / 2}, "labels of dtype float64"),
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
