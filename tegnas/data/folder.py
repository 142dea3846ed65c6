"""A folder of image files with one sub-folder per class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tegnas.data.normalise import Normalisation
from tegnas.data.source import ImageSource, Request, require_folder
from tegnas.errors import InputError

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_DEFAULT_SIZE = 32
# Decoding a large folder only for its mean and spread would take minutes; this many images give
# the mean to about half a percent of the spread.
_STATISTICS_IMAGES = 1000


def open_folder(path: Path, request: Request) -> ImageSource:
    """The images ``path/CLASS/*.png`` (and .jpg, .bmp, .gif, .tif, .webp, .ppm, .pgm).

    Classes are numbered in the sorted order of the sub-folders' names. Only the chosen images are
    decoded, converted to RGB and stretched to ``size``×``size`` (32 by default, bilinear with
    antialiasing). The normalisation comes from the folder itself: from all images, or from 1,000
    spread evenly over the sorted list where there are more.

    Args:
        path: the folder.
        request: ``size`` is used.

    Raises:
        InputError: Pillow is missing, ``path`` is no folder or has no sub-folders, a sub-folder
            holds no image file, or an image can't be decoded.
    """
    pillow = _import_pillow()
    require_folder(path)
    classes = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise InputError(
            f"{path} has no sub-folders; put the images of each class in a sub-folder of its own"
        )
    per_class = [_image_files(folder) for folder in classes]
    files = [file for group in per_class for file in group]
    labels = np.repeat(np.arange(len(classes)), [len(group) for group in per_class])
    size = request.size or _DEFAULT_SIZE

    def read(indices: np.ndarray) -> np.ndarray:
        images = np.empty((len(indices), 3, size, size), dtype=np.uint8)
        for position, index in enumerate(indices):
            images[position] = _decode(pillow, files[index], size)
        return images

    count = min(len(files), _STATISTICS_IMAGES)
    sample = np.linspace(0, len(files) - 1, count).round().astype(np.int64)
    return ImageSource(labels, len(classes), read, Normalisation.of(read(sample)))


def _import_pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise InputError(
            "reading a folder of images needs Pillow; install it with: pip install 'tegnas[images]'"
        ) from None
    return Image


def _image_files(folder: Path) -> list[Path]:
    files = sorted(
        file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file()
    )
    if not files:
        raise InputError(
            f"{folder} holds no image file ({', '.join(sorted(_SUFFIXES))}); add images or remove "
            "the sub-folder"
        )
    return files


def _decode(pillow: Any, file: Path, size: int) -> np.ndarray:
    try:
        with pillow.open(file) as image:
            rgb = image.convert("RGB").resize((size, size), pillow.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
        raise InputError(
            f"{file} can't be decoded as an image ({error}); replace or remove it"
        ) from None
    return np.asarray(rgb, dtype=np.uint8).transpose(2, 0, 1)
