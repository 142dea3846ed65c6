"""ImageNet downsampled to 16×16 (Chrabaszcz et al., arXiv 1707.08819), pickled or .npz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tegnas.data.normalise import Normalisation
from tegnas.data.rows import read_npz_rows, read_pickled_rows
from tegnas.data.source import ImageSource, Request, check_labels, require_folder
from tegnas.errors import InputError

_SIDE = 16
_FILES = tuple(f"train_data_batch_{i}" for i in range(1, 11))
_TEST_FILE = "val_data"
# What the folder is called where it is unpacked; the last two hold the test file alone.
_FOLDERS = (
    "ImageNet16", "Imagenet16", "imagenet16", "Imagenet16_train", "Imagenet16_train_npz",
    "Imagenet16_val", "Imagenet16_val_npz",
)  # fmt: skip
_STATISTICS = Normalisation(
    (122.68 / 255, 116.66 / 255, 104.01 / 255), (63.22 / 255, 61.26 / 255, 65.09 / 255)
)


def open_imagenet16(path: Path, request: Request, classes: int = 1000) -> ImageSource:
    """The images of the first ``classes`` classes, 3×16×16.

    NAS-Bench-201 uses the first 120 classes. The whole set has a gigabyte of pixels, so only
    labels are kept and the files that hold chosen images are read a second time.

    Args:
        path: the folder with ``train_data_batch_1`` to ``_10`` (or with .npz behind), or the one
            that it is in, as ``ImageNet16``; of the files those that are there are used.
        request: its split says which; the test images are those of ``val_data``.
        classes: labels above this number are left out (labels in the files count from 1).

    Raises:
        InputError: no file of the split is there, one can't be read, or none of its images belongs
            to the first ``classes`` classes.
    """
    require_folder(path)
    files = _files(path, _FILES if request.split == "train" else (_TEST_FILE,))
    if not files:
        kind, name = ("training", _FILES[0]) if request.split == "train" else ("test", _TEST_FILE)
        raise InputError(
            f"{path} holds no {kind} file of ImageNet16; expected {name} (or {name}.npz), there or "
            f"in {_FOLDERS[0]}"
        )
    labels, file_of, row_of = [], [], []
    for number, file in enumerate(files):
        stored = check_labels(_read(file)[1] - 1, 1000, file)
        rows = np.flatnonzero(stored < classes)
        labels.append(stored[rows])
        row_of.append(rows)
        file_of.append(np.full(len(rows), number))
    all_labels = np.concatenate(labels)
    if len(all_labels) == 0:
        raise InputError(f"{path} holds no image of the first {classes} classes of ImageNet16")
    all_files, all_rows = np.concatenate(file_of), np.concatenate(row_of)

    def read(indices: np.ndarray) -> np.ndarray:
        images = np.empty((len(indices), 3, _SIDE, _SIDE), dtype=np.uint8)
        for number in np.unique(all_files[indices]):
            here = np.flatnonzero(all_files[indices] == number)
            content, _ = _read(files[number])
            images[here] = content[all_rows[indices[here]]]
        return images

    return ImageSource(all_labels, classes, read, _STATISTICS)


def _files(path: Path, names: tuple[str, ...]) -> list[Path]:
    """The files of these names in the folder or one that it holds, pickled before .npz."""
    for folder in (path, *(path / name for name in _FOLDERS)):
        for suffix in ("", ".npz"):
            files = [file for name in names if (file := folder / f"{name}{suffix}").is_file()]
            if files:
                return files
    return []


def _read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    read = read_npz_rows if file.suffix == ".npz" else read_pickled_rows
    return read(file, "labels", _SIDE)
