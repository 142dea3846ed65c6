"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) from the folders that their authors publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tegnas.data.normalise import Normalisation
from tegnas.data.rows import read_binary_rows, read_pickled_rows
from tegnas.data.source import ImageSource, Request, check_labels, in_memory, require_folder
from tegnas.errors import InputError

_SIDE = 32


@dataclass(frozen=True)
class _Layout:
    """One published form of a data set: its folder, training and test files, how to read one."""

    folder: str
    files: tuple[str, ...]
    test_file: str
    read: Callable[[Path], tuple[np.ndarray, np.ndarray]]


_CIFAR10 = (
    _Layout(
        "cifar-10-batches-py",
        tuple(f"data_batch_{i}" for i in range(1, 6)),
        "test_batch",
        lambda path: read_pickled_rows(path, "labels", _SIDE),
    ),
    _Layout(
        "cifar-10-batches-bin",
        tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        "test_batch.bin",
        lambda path: read_binary_rows(path, label_bytes=1, label_index=0, side=_SIDE),
    ),
)
_CIFAR100 = (
    _Layout(
        "cifar-100-python",
        ("train",),
        "test",
        lambda path: read_pickled_rows(path, "fine_labels", _SIDE),
    ),
    _Layout(
        "cifar-100-binary",
        ("train.bin",),
        "test.bin",
        lambda path: read_binary_rows(path, label_bytes=2, label_index=1, side=_SIDE),
    ),
)
_CIFAR10_STATISTICS = Normalisation((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
_CIFAR100_STATISTICS = Normalisation(
    (129.3 / 255, 124.1 / 255, 112.4 / 255), (68.2 / 255, 65.4 / 255, 70.4 / 255)
)


def open_cifar10(path: Path, request: Request) -> ImageSource:
    """CIFAR-10's training images: 10 classes, 3×32×32, the python or the binary version.

    Args:
        path: the published folder (``cifar-10-batches-py`` or ``-bin``) or its parent. Of the
            five training files those that are there are used.
        request: its split says which files.

    Raises:
        InputError: no file of the split is there, or one can't be read.
    """
    return _open(path, request.split, _CIFAR10, 10, _CIFAR10_STATISTICS)


def open_cifar100(path: Path, request: Request) -> ImageSource:
    """CIFAR-100's training images with their fine labels: 100 classes, 3×32×32.

    Args:
        path: the published folder (``cifar-100-python`` or ``cifar-100-binary``) or its parent.
        request: its split says which file.

    Raises:
        InputError: the file of the split is not there or can't be read.
    """
    return _open(path, request.split, _CIFAR100, 100, _CIFAR100_STATISTICS)


def _open(
    path: Path,
    split: str,
    layouts: tuple[_Layout, ...],
    num_classes: int,
    statistics: Normalisation,
) -> ImageSource:
    require_folder(path)
    for layout in layouts:
        names = layout.files if split == "train" else (layout.test_file,)
        for folder in (path, path / layout.folder):
            files = [folder / name for name in names if (folder / name).is_file()]
            if files:
                images, labels = zip(*(layout.read(file) for file in files), strict=True)
                checked = check_labels(np.concatenate(labels), num_classes, folder)
                return in_memory(np.concatenate(images), checked, num_classes, statistics)
    expected = " or ".join(
        f"{layout.folder}/{layout.files[0] if split == 'train' else layout.test_file}"
        for layout in layouts
    )
    kind = "training" if split == "train" else "test"
    raise InputError(f"{path} holds no {kind} file of CIFAR-{num_classes}; expected {expected}")
