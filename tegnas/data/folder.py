"""A folder of image files with one sub-folder per class."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from tegnas.data.decode import decode, import_pillow, stacked
from tegnas.data.normalise import Normalisation
from tegnas.data.source import ImageSource, ImageWarning, Request, require_folder
from tegnas.errors import InputError
from tegnas.reading import listed

_SUFFIXES = {
    ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff",
    ".webp",
}  # fmt: skip
_DEFAULT_SIZE = 32
# Decoding a large folder only for its mean and spread would take minutes; this many images give
# the mean to about half a percent of the spread.
_STATISTICS_IMAGES = 1000

_DEPTH = 3  # of folders within a class; links may lead in circles

# Names of splits: sub-folders that are called so are no classes.
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing", "dev"}


def open_folder(path: Path, request: Request) -> ImageSource:
    """The images ``path/CLASS/*.png`` (and .jpg, .bmp, .gif, .tif, .webp, .ppm, .pgm).

    Classes are numbered in the sorted order of the sub-folders' names. A class may keep its images
    in one sub-folder, as ``CLASS/images/*.JPEG``. Hidden files and folders, and the ``__MACOSX``
    that a Mac's zip adds, are left out. Only the chosen images are decoded (see
    :func:`tegnas.data.decode.decode`), made RGB and stretched to ``size``×``size`` (32 by default).
    The normalisation comes from the folder itself: from all images, or from 1,000 spread evenly
    over the sorted list where there are more.

    Args:
        path: the folder.
        request: ``size`` is used.

    Raises:
        InputError: Pillow is missing, ``path`` is no folder or has no sub-folders, these are splits
            rather than classes, one holds no image file or several folders of them, or an image
            can't be decoded.

    Warns:
        ImageWarning: parts of images are transparent, or files hold several pictures.
    """
    import_pillow()
    require_folder(path)
    classes = _sub_folders(path)
    if not classes:
        raise InputError(
            f"{path} has no sub-folders; put the images of each class in a sub-folder of its own"
        )
    if all(folder.name.lower() in _SPLITS for folder in classes):
        raise InputError(
            f"the sub-folders of {path} are splits and not classes "
            f"({listed(folder.name for folder in classes)}); give one of them, as "
            f"folder:{classes[-1]}"
        )
    per_class = [_image_files(folder) for folder in classes]
    files = [file for group in per_class for file in group]
    labels = np.repeat(np.arange(len(classes)), [len(group) for group in per_class])
    reader = _Reader(path, files, request.size or _DEFAULT_SIZE)
    count = min(len(files), _STATISTICS_IMAGES)
    sample = np.linspace(0, len(files) - 1, count).round().astype(np.int64)
    return ImageSource(labels, len(classes), reader.read, Normalisation.of(reader.read(sample)))


class _Reader:
    """Decodes the chosen files of a folder, which are all of one scale.

    What is remarkable about them is said once, of the first images read: these are the sample of
    the whole folder that the normalisation comes from.
    """

    def __init__(self, path: Path, files: list[Path], size: int) -> None:
        self._path = path
        self._files = files
        self._size = size
        self._unscaled: bool | None = None

    def read(self, indices: np.ndarray) -> np.ndarray:
        files = [self._files[index] for index in indices]
        images = [decode(file, self._size) for file in files]
        pixels, unscaled = stacked(files, images)
        if self._unscaled is None:
            self._unscaled = unscaled
            counts = Counter(remark for image in images for remark in image.remarks)
            for remark, count in counts.items():
                warnings.warn(
                    f"{count} of {len(files)} images in {self._path} are read with {remark}",
                    ImageWarning,
                    stacklevel=2,
                )
        elif unscaled != self._unscaled:
            raise InputError(
                f"{self._path} has images of floating-point or 32-bit pixels, whose scale isn't "
                "known, beside images of 8 or 16 bits; store all images in one way"
            )
        return pixels


def _sub_folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not _is_hidden(p))


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX"


def _image_files(folder: Path) -> list[Path]:
    """The image files of a class: in its folder, or in the one sub-folder of it that has any."""
    found = _folders_with_images(folder)
    if len(found) > 1:
        raise InputError(
            f"{folder} has several folders of images "
            f"({listed(str(each.relative_to(folder)) for each in found)}): if these are the "
            f"classes give folder:{folder}, else put the images of each class into one folder"
        )
    if not found:
        raise InputError(
            f"{folder} holds no image file ({', '.join(sorted(_SUFFIXES))}); add images or remove "
            "the sub-folder"
        )
    return next(iter(found.values()))


def _folders_with_images(folder: Path, depth: int = 0) -> dict[Path, list[Path]]:
    """The image files of a folder; of its sub-folders, by folder, where it has none itself."""
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _SUFFIXES and not _is_hidden(file) and file.is_file()
    )
    if files or depth == _DEPTH:
        return {folder: files} if files else {}
    found: dict[Path, list[Path]] = {}
    for inside in _sub_folders(folder):
        found |= _folders_with_images(inside, depth + 1)
    return found
