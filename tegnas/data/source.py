"""What a source of images hands over: labels now, pixels on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tegnas.data.normalise import Normalisation
from tegnas.errors import InputError


class ImageWarning(UserWarning):
    """Something about images was not as one might think, and what was done about it."""


@dataclass(frozen=True)
class ImageSource:
    """Labelled images of which only the chosen ones are read.

    Attributes:
        labels: (N,) integers in [0, ``num_classes``), one per image.
        num_classes: the number of classes of the whole source.
        read: takes (n,) indices and returns those images, (n, C, H, W), C of 1 or 3: uint8, or
            float on the scale where white is 1 (or already normalised).
        normalisation: what to apply once the images are on the 0..1 scale; None for images that
            are normalised already.
        plain: ``read`` returns examples of any shape (n, …), float32 or int64, as networks take
            them.
    """

    labels: np.ndarray
    num_classes: int
    read: Callable[[np.ndarray], np.ndarray]
    normalisation: Normalisation | None
    plain: bool = False


@dataclass(frozen=True)
class Request:
    """What the caller of ``load_batch`` asked for, for the sources that depend on it.

    ``split`` is ``"train"`` or, for sources with test files of their own, ``"test"``.
    """

    train: int
    val: int
    seed: int
    size: int | None
    split: str = "train"


def in_memory(
    images: np.ndarray, labels: np.ndarray, num_classes: int, normalisation: Normalisation | None
) -> ImageSource:
    """The source of images that are all loaded already."""
    return ImageSource(labels, num_classes, lambda indices: images[indices], normalisation)


def plain(examples: np.ndarray, labels: np.ndarray, num_classes: int) -> ImageSource:
    """The source of examples, float32 or int64, that networks take as they are."""
    return ImageSource(labels, num_classes, lambda indices: examples[indices], None, plain=True)


def require_folder(path: Path) -> None:
    """Raises InputError unless ``path`` is a folder."""
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise InputError(f"the image folder {path} {what}; check the path")


def check_labels(labels: np.ndarray, num_classes: int, path: Path) -> np.ndarray:
    """``labels`` as int64, once they are known to lie in [0, ``num_classes``)."""
    outside = (labels < 0) | (labels >= num_classes)
    if outside.any():
        raise InputError(
            f"{path} holds a label outside its {num_classes} classes; the file is damaged or of "
            "another data set"
        )
    return labels.astype(np.int64)
