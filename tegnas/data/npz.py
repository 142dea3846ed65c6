"""One NumPy .npz file with images, or other examples, and labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tegnas.data.arrays import ArrayHeader, array_headers, described, first_of, read_arrays
from tegnas.data.examples import as_examples, as_labels
from tegnas.data.normalise import Normalisation
from tegnas.data.source import ImageSource, Request, in_memory, plain
from tegnas.errors import InputError

_CHANNELS = (1, 3)

# What arrays are called, those of the training set before those of no set.
_IMAGES = (
    "x", "images", "x_train", "train_x", "train_images", "images_train", "train_data", "data",
    "image", "imgs", "inputs", "arr_0",
)  # fmt: skip
_LABELS = (
    "y", "labels", "y_train", "train_y", "train_labels", "labels_train", "train_targets", "label",
    "targets", "target", "fine_labels", "arr_1",
)  # fmt: skip


def open_npz(path: Path, request: Request) -> ImageSource:
    """The images ``x`` (or ``images``) and labels ``y`` (or ``labels``) of an .npz file.

    Other usual names are understood as well, in any capitals: ``x_train`` and ``y_train``,
    ``train_images`` and ``train_labels``, ``data`` and ``targets``, ``arr_0`` and ``arr_1``, ….
    Nothing but these arrays is read.

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with C of 1 or 3; where both of the last
    two readings fit, (N, C, H, W) is taken. Labels are integers, (N,) or (N, 1); unless they are
    0 to K−1 with every value present, they are renumbered in sorted order.

    Rows (N, F), floating point or ids of tokens, and volumes (N, C, D, H, W) are taken as they are.

    uint8 images are divided by 255 and normalised by the arrays ``mean`` and ``std`` (on the
    scale where white is 1; one value or one per channel) if the file has them, by the statistics
    of the whole file otherwise. Float images are taken as already normalised.

    Args:
        path: the file.
        request: not used.

    Raises:
        InputError: the file is missing, truncated or no .npz file, an array is missing or has a
            wrong shape or dtype, values are not finite, or float images come with a mean or std.
    """
    stored = array_headers(path)
    image_name = _named(path, stored, _IMAGES, "images")
    label_name = _named(path, stored, _LABELS, "labels")
    statistics = [name for name in ("mean", "std") if name in stored]
    arrays = read_arrays(path, [image_name, label_name, *statistics])
    if _is_no_image(arrays[image_name]):
        return _examples(path, arrays[image_name], arrays[label_name])
    images = _channel_first(path, arrays[image_name])
    labels, num_classes = as_labels(arrays[label_name], len(images), str(path), "images")
    if images.dtype == np.uint8:
        normalisation = _stored_normalisation(path, arrays) or Normalisation.of(images)
        return in_memory(images, labels, num_classes, normalisation)
    if "mean" in arrays or "std" in arrays:
        raise InputError(
            f"{path} has float images, which count as normalised, and a mean or std; store the "
            "images as uint8 or drop mean and std"
        )
    if not np.isfinite(images).all():
        raise InputError(f"{path} has images with NaN or infinite values; clean them first")
    return in_memory(images, labels, num_classes, None)


def open_arrays(path: Path, request: Request) -> ImageSource:
    """The examples and labels of an .npz file, by the same names, taken as they are.

    Whatever their shape (N, …) and whether they are floating-point or whole numbers.

    Raises:
        InputError: the file is missing, truncated or no .npz file, an array is missing or has a
            wrong shape or dtype, or values are not finite.
    """
    stored = array_headers(path)
    names = [
        _named(path, stored, _IMAGES, "examples"),
        _named(path, stored, _LABELS, "labels"),
    ]
    arrays = read_arrays(path, names)
    return _examples(path, *(arrays[name] for name in names))


def _is_no_image(values: np.ndarray) -> bool:
    """Whether an array can't be meant as images: rows, unless they are bytes, and volumes."""
    if values.ndim == 2:
        return values.dtype.kind == "f" or (values.dtype.kind in "iu" and values.dtype != np.uint8)
    return values.ndim > 4 and values.dtype.kind == "f"


def _examples(path: Path, values: np.ndarray, labels: np.ndarray) -> ImageSource:
    examples = as_examples(values, str(path))
    return plain(examples, *as_labels(labels, len(examples), str(path)))


def _named(path: Path, stored: Mapping[str, ArrayHeader], names: tuple[str, ...], what: str) -> str:
    """The name under which the file has its images or labels."""
    found = first_of(names, stored)
    if found is None:
        raise InputError(
            f"{path} has no array named {names[0]} or {names[1]}, nor by another usual name of "
            f"{what}; it has {described(stored)}"
        )
    return found


def _channel_first(path: Path, images: np.ndarray) -> np.ndarray:
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise InputError(
            f"{path} has images of dtype {images.dtype}; store uint8 or float32, or name the file "
            "as arrays:FILE.npz if they are no images"
        )
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim != 4:
        raise InputError(
            f"{path} has images of shape {images.shape}; expected (N, H, W), (N, H, W, C) or "
            "(N, C, H, W); if they are no images, name the file as arrays:FILE.npz"
        )
    elif images.shape[1] not in _CHANNELS:
        if images.shape[3] not in _CHANNELS:
            raise InputError(
                f"{path} has images of shape {images.shape}, where neither the second nor the "
                "last axis has 1 or 3 channels; if they are to be taken as they are, name the file "
                "as arrays:FILE.npz"
            )
        images = images.transpose(0, 3, 1, 2)
    if 0 in images.shape:
        raise InputError(f"{path} has images of shape {images.shape}: there is nothing in them")
    return images


def _stored_normalisation(path: Path, arrays: dict[str, np.ndarray]) -> Normalisation | None:
    if "mean" not in arrays and "std" not in arrays:
        return None
    if "mean" not in arrays or "std" not in arrays:
        raise InputError(f"{path} has only one of mean and std; store both or neither")
    mean, std = (np.atleast_1d(arrays[name]) for name in ("mean", "std"))
    for name, value in (("mean", mean), ("std", std)):
        numeric = value.dtype.kind in "fiu" and value.shape in ((1,), (3,))
        if not numeric or not ((value >= 0) & (value <= 1)).all():
            raise InputError(
                f"{path}: {name} must be one number or three between 0 and 1 (on the scale where "
                "white is 1)"
            )
    return Normalisation(tuple(mean.tolist()), tuple(std.tolist()))
