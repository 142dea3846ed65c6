"""Other forms of the same numbers: flattened, reshaped, cropped; sizes, and what drops nothing."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tegnas.engine.handlers.writing import BATCH_SIZE, Value, Writing
from tegnas.engine.tracing import CannotLower


def flatten(writing: Writing, value: Value, start_dim: int = 0, end_dim: int = -1) -> Value:
    if start_dim != 1 or end_dim not in (-1, 1 if value.flat else 3):
        raise CannotLower("it flattens something other than the image")
    return Value(value.number, flat=True)


def reshape(writing: Writing, value: Value, *sizes: object) -> Value:
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
        sizes = tuple(sizes[0])
    shape = writing.shape(value)
    total = math.prod(shape)
    first = sizes[0] if sizes else None
    # Back to an image of one pixel, as gates are written.
    if len(sizes) == 4 and shape[1:] == (1, 1) and sizes[1:] in ((shape[0], 1, 1), (-1, 1, 1)):
        if first is BATCH_SIZE or (first == -1 and sizes[1] != -1):
            return Value(value.number)
    images = len(sizes) == 2 and (sizes[0] is BATCH_SIZE or sizes == (-1, total))
    if not images or sizes[1] not in (-1, total):
        raise CannotLower("it reshapes to something other than (N, features)")
    return Value(value.number, flat=True)


def size_of(writing: Writing, value: Value, dim: int | None = None) -> object:
    shape = writing.shape(value)
    sizes = (BATCH_SIZE, *((math.prod(shape),) if value.flat else shape))
    return sizes if dim is None else sizes[dim]


def attribute(writing: Writing, value: Value, name: str) -> object:
    if name != "shape":
        raise CannotLower(f"it reads the attribute {name} of a tensor")
    return size_of(writing, value)


def getitem(writing: Writing, value: Any, index: Any) -> object:
    if isinstance(value, tuple):
        return value[index]
    whole = slice(None, None, None)
    planes = isinstance(index, tuple) and len(index) == 4 and index[:2] == (whole, whole)
    if not planes or value.flat:
        raise CannotLower("it indexes something other than the image plane")
    _, height, width = writing.shape(value)
    top, bottom = _crop(index[2], height)
    left, right = _crop(index[3], width)
    return Value(writing.build.pad(value.number, -left, -right, -top, -bottom))


def _crop(index: object, size: int) -> tuple[int, int]:
    if not isinstance(index, slice) or index.step not in (None, 1):
        raise CannotLower("it takes single rows or every other row of an image")
    start, stop, _ = index.indices(size)
    return start, size - stop


def dropout(
    writing: Writing, value: Value, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Value:
    if training:
        raise CannotLower("it drops values at random, training or not")
    return value


def copy(writing: Writing, value: Value) -> Value:
    return Value(value.number, value.flat)


LAYERS: dict[type, Callable] = {
    nn.Flatten: lambda writing, layer, name, value: flatten(
        writing, value, layer.start_dim, layer.end_dim
    ),
}

CALLED: dict[Callable, Callable] = {
    torch.flatten: flatten,
    torch.reshape: reshape,
    getattr: attribute,
    operator.getitem: getitem,
    F.dropout: dropout,
}

METHODS: dict[str, Callable] = {
    "flatten": flatten,
    "view": reshape,
    "reshape": reshape,
    "size": size_of,
    "contiguous": copy,
    "clone": copy,
}
