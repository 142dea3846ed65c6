"""Batches by themselves, or by what they are drawn from."""

from __future__ import annotations

from os import PathLike
from typing import Any

from tegnas.data.batch import Batch
from tegnas.data.load import batch_of, load_batch
from tegnas.data.sources import Source
from tegnas.errors import InputError, type_of

# A batch, a source as ``load_batch`` takes it, or examples and labels.
BatchLike = Batch | Source | tuple[Any, Any]


def as_batch(given: BatchLike, *, train: int, val: int, seed: int) -> Batch:
    """A batch by itself, or drawn from a source (``load_batch``) or from arrays (``batch_of``).

    Args:
        given: a batch, the name of a source, a data set object, or examples and labels as a pair.
        train, val, seed: of the drawing.

    Raises:
        InputError: it is none of these, or the source can't be used.
    """
    if isinstance(given, Batch):
        return given
    if isinstance(given, tuple) and len(given) == 2:
        return batch_of(*given, train=train, val=val, seed=seed)
    if isinstance(given, str | PathLike) or hasattr(given, "__getitem__"):
        return load_batch(given, train=train, val=val, seed=seed)
    raise InputError(
        f"{type_of(given)} is not a batch; give one, the name of a source such as 'digits' or "
        "'FILE.npz', or examples and labels as a pair (x, y)"
    )
