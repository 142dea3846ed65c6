"""Arrays of any kind as examples that networks take, and their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from tegnas.errors import InputError

# A column whose standard deviation is below this is taken as constant.
_CONSTANT = 1e-6


def as_examples(given: Any, what: str) -> np.ndarray:
    """Examples (N, …) as float32 or int64; a single number each becomes a row of one.

    Args:
        given: an array, a tensor, or anything that NumPy makes an array of.
        what: where they come from, for messages.

    Raises:
        InputError: no numbers, none at all, or numbers that aren't finite.
    """
    values = _array(given, what)
    if values.dtype.kind not in "fiu":
        raise InputError(
            f"examples of {what} are of dtype {values.dtype}; give floating-point numbers, or "
            "whole numbers where they are ids"
        )
    if values.ndim == 0 or values.size == 0:
        raise InputError(
            f"examples of {what} are of shape {values.shape}: there is nothing in them"
        )
    if values.ndim == 1:
        values = values[:, None]
    if values.dtype.kind != "f":
        return values.astype(np.int64)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(
            f"examples of {what} hold NaN or infinite values, or some too large for float32; clean "
            "or standardise them first"
        )
    return values


def standardised(examples: np.ndarray, what: str) -> np.ndarray:
    """Floating-point examples (N, …) with mean 0 and standard deviation 1 of every index of axis 1.

    What is constant is only centred.
    """
    if examples.dtype.kind != "f":
        raise InputError(f"examples of {what} are whole numbers, which can't be standardised")
    axes = (0, *range(2, examples.ndim))
    mean = examples.mean(axes, keepdims=True, dtype=np.float64)
    std = examples.std(axes, keepdims=True, dtype=np.float64)
    scaled = (examples - mean) / np.where(std > _CONSTANT, std, 1.0)
    return np.asarray(scaled, dtype=np.float32)


def as_labels(
    given: Any, count: int, what: str, examples: str = "examples"
) -> tuple[np.ndarray, int]:
    """Labels (N,) int64 from 0, and the number of classes.

    Unless they are 0 to K−1 with every value present, they are renumbered in sorted order.

    Args:
        given: integers (N,) or (N, 1).
        count: of the examples.
        what: where they come from, for messages.
        examples: what they are labels of, for messages.

    Raises:
        InputError: anything else, or another number of labels than of examples.
    """
    labels = _array(given, what)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(
            f"the labels of {what} are of dtype {labels.dtype} and shape {labels.shape}; give one "
            f"integer for each{_as_integers(labels)}"
        )
    if len(labels) != count:
        raise InputError(f"{what}: {count} {examples} but {len(labels)} labels")
    # For labels that are 0..K-1 already, with every value present, this is the identity.
    values, renumbered = np.unique(labels, return_inverse=True)
    return renumbered.astype(np.int64), len(values)


def _as_integers(labels: np.ndarray) -> str:
    """How such labels become integers, where that can be said."""
    if labels.ndim == 1 and labels.dtype.kind in "USO":
        return ": numpy.unique(labels, return_inverse=True)[1] numbers words"
    if labels.ndim == 1 and labels.dtype.kind == "f":
        return ": numpy.digitize cuts numbers into classes"
    if labels.ndim == 2 and labels.shape[1] > 1:
        return ": labels.argmax(1) of one-hot rows"
    return ""


def _array(given: Any, what: str) -> np.ndarray:
    if isinstance(given, Tensor):
        given = given.detach().cpu()
        given = (given.float() if given.is_floating_point() else given).numpy()
    try:
        return np.asarray(given)
    except ValueError as error:  # lists of different lengths
        raise InputError(f"{what} can't be read as an array ({error})") from None
