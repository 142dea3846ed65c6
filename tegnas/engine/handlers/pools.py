"""Pools and means over the image plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tegnas.engine.handlers.writing import Value, Writing, pair
from tegnas.engine.tracing import CannotLower

Pair = tuple[int, int]


def avg_pool(writing: Writing, options: Mapping[str, Any], value: Value) -> Value:
    kernel, stride, padding = window_of(options)
    writing.plane("an average pool", value)
    if options.get("ceil_mode") or options.get("divisor_override") is not None:
        raise CannotLower("an average pool rounds up or has a divisor of its own")
    include = bool(options.get("count_include_pad", True))
    return Value(
        writing.build.avg_pool(value.number, kernel, stride, padding, count_include_pad=include)
    )


def max_pool(writing: Writing, options: Mapping[str, Any], value: Value) -> Value:
    kernel, stride, padding = window_of(options)
    dilation = options.get("dilation", 1)
    writing.plane("a max pool", value)
    sides = writing.shape(value)[1:]
    rests = (
        (side + 2 * pad - size) % step
        for side, size, step, pad in zip(sides, kernel, stride, padding, strict=True)
    )
    rounds_up = options.get("ceil_mode") and any(rests)
    if rounds_up or options.get("return_indices") or dilation not in (1, (1, 1)):
        raise CannotLower("a max pool rounds up, is dilated or returns indices")
    return Value(writing.build.max_pool(value.number, kernel, stride, padding))


def adaptive_pool(writing: Writing, output_size: Any, value: Value) -> Value:
    writing.plane("an adaptive pool", value)
    _, *size = writing.shape(value)
    wanted = pair(output_size)
    if wanted == (1, 1):
        return Value(writing.build.global_avg_pool(value.number))
    if any(
        not isinstance(each, int) or each < 1 or full % each
        for full, each in zip(size, wanted, strict=True)
    ):
        raise CannotLower(f"an adaptive pool gives {output_size} of {tuple(size)}")
    window = (size[0] // wanted[0], size[1] // wanted[1])
    return Value(
        writing.build.avg_pool(value.number, window, window, (0, 0), count_include_pad=True)
    )


def mean(writing: Writing, value: Value, dim: object = None, keepdim: bool = False) -> Value:
    dims = sorted(each % 4 for each in as_tuple(dim))
    if not value.flat and keepdim and dims in ([2], [3]):
        _, height, width = writing.shape(value)
        window = (height, 1) if dims == [2] else (1, width)
        return Value(
            writing.build.avg_pool(value.number, window, window, (0, 0), count_include_pad=True)
        )
    if value.flat or dims != [2, 3]:
        raise CannotLower("it averages over something other than the image plane")
    return Value(writing.build.global_avg_pool(value.number), flat=not keepdim)


def as_tuple(value: Any) -> tuple[int, ...]:
    """Of a number, several or none, as ``dim`` is given."""
    if isinstance(value, int):
        return (value,)
    return tuple(value) if value is not None else ()


def window_of(options: Mapping[str, Any]) -> tuple[Pair, Pair, Pair]:
    """Kernel, stride and padding of a pool."""
    kernel = pair(options["kernel_size"])
    stride = options.get("stride")
    return kernel, kernel if stride is None else pair(stride), pair(options.get("padding", 0))


def _function_of(pool: Callable) -> Callable:
    names = ("kernel_size", "stride", "padding")

    def lower(writing: Writing, value: Value, *arguments: object, **options: object) -> Value:
        if len(arguments) > len(names):
            raise CannotLower("it calls a pool with unnamed options")
        return pool(writing, dict(zip(names, arguments, strict=False)) | options, value)

    return lower


LAYERS: dict[type, Callable] = {
    nn.AvgPool2d: lambda writing, layer, name, value: avg_pool(writing, vars(layer), value),
    nn.MaxPool2d: lambda writing, layer, name, value: max_pool(writing, vars(layer), value),
    nn.AdaptiveAvgPool2d: lambda writing, layer, name, value: adaptive_pool(
        writing, layer.output_size, value
    ),
}

CALLED: dict[Callable, Callable] = {
    F.avg_pool2d: _function_of(avg_pool),
    F.max_pool2d: _function_of(max_pool),
    F.adaptive_avg_pool2d: lambda writing, value, output_size: adaptive_pool(
        writing, output_size, value
    ),
    torch.mean: mean,
}

METHODS: dict[str, Callable] = {"mean": mean}
