"""CIFAR-10, CIFAR-100 and downsampled ImageNet folders, made small."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tegnas.data import Batch, load_batch
from tegnas.errors import InputError

CIFAR10 = np.array([0.4914, 0.4822, 0.4465]), np.array([0.247, 0.2435, 0.2616])
CIFAR100 = np.array([129.3, 124.1, 112.4]) / 255, np.array([68.2, 65.4, 70.4]) / 255
IMAGENET16 = np.array([122.68, 116.66, 104.01]) / 255, np.array([63.22, 61.26, 65.09]) / 255


def rows_of(labels: np.ndarray, side: int, first: int) -> np.ndarray:
    """Rows of random bytes whose first two pixels hold the number of the image, from ``first``."""
    rows = np.random.default_rng(first).integers(0, 256, (len(labels), 3 * side**2), np.uint8)
    rows[:, 0], rows[:, 1] = divmod(np.arange(first, first + len(labels)), 256)
    return rows


def pickled(path: Path, **content: object) -> None:
    path.write_bytes(pickle.dumps({key.encode(): value for key, value in content.items()}, 2))


def write_cifar10_py(parent: Path, count: int = 30, files: int = 5) -> Path:
    folder = parent / "cifar-10-batches-py"
    folder.mkdir()
    for i in range(files):
        labels = np.arange(count) % 10
        data = rows_of(labels, 32, i * count)
        pickled(folder / f"data_batch_{i + 1}", data=data, labels=labels.tolist())
    return folder


def write_cifar10_bin(parent: Path, count: int = 30, files: int = 5) -> Path:
    folder = parent / "cifar-10-batches-bin"
    folder.mkdir()
    for i in range(files):
        labels = np.arange(count) % 10
        content = np.hstack([labels[:, None].astype(np.uint8), rows_of(labels, 32, i * count)])
        (folder / f"data_batch_{i + 1}.bin").write_bytes(content.tobytes())
    return folder


def write_cifar100_py(parent: Path, count: int = 200) -> Path:
    folder = parent / "cifar-100-python"
    folder.mkdir()
    fine = np.arange(count) % 100
    coarse = (fine // 5).tolist()
    data = rows_of(fine, 32, 0)
    pickled(folder / "train", data=data, fine_labels=fine.tolist(), coarse_labels=coarse)
    return folder


def write_cifar100_bin(parent: Path, count: int = 200) -> Path:
    folder = parent / "cifar-100-binary"
    folder.mkdir()
    fine = np.arange(count) % 100
    content = np.hstack([np.stack([fine // 5, fine], 1).astype(np.uint8), rows_of(fine, 32, 0)])
    (folder / "train.bin").write_bytes(content.tobytes())
    return folder


def write_imagenet16(parent: Path, count: int = 400, files: int = 2) -> Path:
    folder = parent / "imagenet16"
    folder.mkdir()
    for i in range(files):
        labels = np.arange(count) * 7 % 1000
        data = rows_of(labels, 16, i * count)
        stored = (labels + 1).tolist()
        pickled(folder / f"train_data_batch_{i + 1}", data=data, labels=stored, mean=data.mean(0))
    return folder


def stored_pixels(batch: Batch, statistics: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The uint8 images that the normalised ones were made from."""
    mean, std = (s.reshape(1, 3, 1, 1) for s in statistics)
    pixels = np.concatenate([batch.images.numpy(), batch.val_images.numpy()]) * std + mean
    assert np.abs(pixels * 255 - np.round(pixels * 255)).max() < 1e-3
    return np.round(pixels * 255).astype(np.int64)


WRITERS: dict[str, tuple[str, Callable[[Path], Path], tuple[np.ndarray, np.ndarray], int]] = {
    "cifar10-py": ("cifar10", write_cifar10_py, CIFAR10, 30),
    "cifar10-bin": ("cifar10", write_cifar10_bin, CIFAR10, 30),
    "cifar100-py": ("cifar100", write_cifar100_py, CIFAR100, 200),
    "cifar100-bin": ("cifar100", write_cifar100_bin, CIFAR100, 200),
}


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("given_parent", [True, False])
def test_cifar_images_keep_their_labels_and_pixels(tmp_path, form, given_parent):
    name, write, statistics, per_file = WRITERS[form]
    folder = write(tmp_path)
    batch = load_batch(f"{name}:{tmp_path if given_parent else folder}", train=40, val=30, seed=1)
    assert batch.images.shape == (40, 3, 32, 32)
    assert batch.num_classes == (10 if name == "cifar10" else 100)
    pixels = stored_pixels(batch, statistics)
    number = pixels[:, 0, 0, 0] * 256 + pixels[:, 0, 0, 1]
    assert len(set(number.tolist())) == 70
    labels = batch.labels.tolist() + batch.val_labels.tolist()
    assert (number % per_file % batch.num_classes).tolist() == labels


def test_python_and_binary_versions_give_the_same_batch(tmp_path):
    python, binary = write_cifar10_py(tmp_path), write_cifar10_bin(tmp_path)
    batches = [load_batch(f"cifar10:{folder}") for folder in (python, binary)]
    assert batches[0].fingerprint() == batches[1].fingerprint()


def test_resizing(tmp_path):
    folder = write_cifar10_py(tmp_path, files=1)
    batch = load_batch(f"cifar10:{folder}", train=5, val=5, size=16)
    assert batch.images.shape == (5, 3, 16, 16)


@pytest.mark.parametrize("limit", [1000, 120])
def test_imagenet16_labels_count_from_one_and_can_be_limited(tmp_path, limit):
    folder = write_imagenet16(tmp_path)
    name = "imagenet16" if limit == 1000 else f"imagenet16-{limit}"
    batch = load_batch(f"{name}:{folder}", train=30, val=20)
    assert batch.num_classes == limit and batch.images.shape == (30, 3, 16, 16)
    pixels = stored_pixels(batch, IMAGENET16)
    number = pixels[:, 0, 0, 0] * 256 + pixels[:, 0, 0, 1]
    assert len(set(number.tolist())) == 50
    labels = batch.labels.tolist() + batch.val_labels.tolist()
    assert (number % 400 * 7 % 1000).tolist() == labels and max(labels) < limit


def test_too_few_images(tmp_path):
    write_cifar10_py(tmp_path, count=10, files=1)
    with pytest.raises(InputError, match="10 examples, fewer than the 8 training and 3 validation"):
        load_batch(f"cifar10:{tmp_path}", train=8, val=3)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "imagenet16"])
def test_folder_without_the_data_set(tmp_path, name):
    with pytest.raises(InputError, match="holds no training file of"):
        load_batch(f"{name}:{tmp_path}")


def test_truncated_files(tmp_path):
    for folder, name in (
        (write_cifar10_py(tmp_path), "data_batch_3"),
        (write_cifar10_bin(tmp_path), "data_batch_3.bin"),
    ):
        file = folder / name
        file.write_bytes(file.read_bytes()[:-100])
        with pytest.raises(InputError, match=f"{name} .*truncated"):
            load_batch(f"cifar10:{folder}")


ROWS = np.zeros((4, 3072), np.uint8)
DIFFERENT = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": ROWS}, "has no entry 'labels'"),
        ({"labels": [0, 1]}, "has no entry 'data'"),
        ({"data": ROWS.astype(np.float32), "labels": [0, 1, 2, 3]}, "uint8 array of pixels, not"),
        ({"data": ROWS.tolist(), "labels": [0, 1, 2, 3]}, "uint8 array of pixels, not list"),
        ({"data": ROWS[:, :768], "labels": [0, 1, 2, 3]}, "rows of 3072 bytes"),
        ({"data": ROWS, "labels": [0, 1, 2]}, "4 images but 3 labels"),
        ({"data": ROWS, "labels": ["a", "b", "c", "d"]}, "list of integers"),
        ({"data": ROWS, "labels": [0, 1, 2, 10]}, "a label outside its 10 classes"),
        ({"data": ROWS, "labels": [5, 5, 0, 0]}, "fewer than 4 images that differ"),
        ({"data": ROWS + DIFFERENT, "labels": [5, 5, 5, 5]}, "one class"),
    ],
)
def test_content_that_does_not_fit(tmp_path, content, message):
    pickled(tmp_path / "data_batch_1", **content)
    with pytest.raises(InputError, match=message):
        load_batch(f"cifar10:{tmp_path}", train=2, val=2)


def test_imagenet16_labels_from_zero_are_refused(tmp_path):
    pickled(tmp_path / "train_data_batch_1", data=ROWS[:, :768], labels=[0, 1, 2, 3])
    with pytest.raises(InputError, match="a label outside its 1000 classes"):
        load_batch(f"imagenet16:{tmp_path}", train=2, val=2)


def test_imagenet16_without_an_image_of_the_first_classes(tmp_path):
    pickled(tmp_path / "train_data_batch_1", data=ROWS[:, :768], labels=[500, 501, 502, 503])
    with pytest.raises(InputError, match="no image of the first 120 classes"):
        load_batch(f"imagenet16-120:{tmp_path}", train=2, val=2)


def test_labels_nested_in_each_other_are_not_unfolded(tmp_path):
    labels: list = [0, 1]
    for _ in range(20):
        labels = [labels] * 10
    pickled(tmp_path / "data_batch_1", data=ROWS, labels=labels)
    with pytest.raises(InputError, match="list of integers"):
        load_batch(f"cifar10:{tmp_path}", train=2, val=2)


def imagenet16_files(folder: Path, form: str) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for name in ("train_data_batch_1", "train_data_batch_2", "val_data"):
        content = {
            "data": rng.integers(0, 256, (40, 768), dtype=np.uint8),
            "labels": [1 + i % 5 for i in range(40)],
        }
        content["mean"] = content["data"].mean(0)
        if form == "pickled":
            pickled(folder / name, **content)
        else:
            np.savez(folder / f"{name}.npz", **content)
    return folder


@pytest.mark.parametrize("form", ["pickled", "npz"])
@pytest.mark.parametrize("inside", [".", "ImageNet16", "Imagenet16_train_npz"])
def test_imagenet16_in_either_form_and_from_the_folder_above(tmp_path, form, inside):
    expected = load_batch(f"imagenet16:{imagenet16_files(tmp_path / 'a', 'pickled')}", train=9)
    imagenet16_files(tmp_path / "b" / inside, form)
    assert (
        load_batch(f"imagenet16:{tmp_path / 'b'}", train=9).fingerprint() == expected.fingerprint()
    )


def test_an_npz_file_of_something_else_is_no_imagenet16(tmp_path):
    np.savez(tmp_path / "train_data_batch_1.npz", data=ROWS[:, :768])
    with pytest.raises(InputError, match=r"has no array 'labels' \(it has data \(4×768 uint8\)\)"):
        load_batch(f"imagenet16:{tmp_path}", train=2, val=2)
