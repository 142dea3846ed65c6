"""Layers with weights."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn

from tegnas.engine.aliasing import NOTHING
from tegnas.engine.handlers.writing import Value, Writing, pair
from tegnas.engine.tracing import CannotLower


def conv2d(writing: Writing, layer: nn.Conv2d, name: str, value: Value) -> Value:
    if layer.padding_mode != "zeros":
        raise CannotLower(f"{name} pads by {layer.padding_mode}")
    padding = layer.padding
    if isinstance(padding, str):
        left_right_top_bottom = layer._reversed_padding_repeated_twice
        if padding == "same" and left_right_top_bottom[::2] != left_right_top_bottom[1::2]:
            raise CannotLower(f"{name} pads unevenly")
        padding = tuple(left_right_top_bottom[::-2]) if padding == "same" else (0, 0)
    writing.check_channels(name, writing.plane(name, value), layer.in_channels)
    return Value(
        writing.build.conv2d(
            value.number,
            name,
            layer.out_channels,
            pair(layer.kernel_size),
            stride=pair(layer.stride),
            padding=pair(padding),
            dilation=pair(layer.dilation),
            groups=layer.groups,
            bias=layer.bias is not None,
            searched=writing.is_searched(f"{name}.weight"),
        )
    )


def batch_norm(writing: Writing, layer: nn.BatchNorm2d, name: str, value: Value) -> Value:
    channels, height, width = writing.shape(value)
    if value.flat != isinstance(layer, nn.BatchNorm1d) or (value.flat and height * width > 1):
        raise CannotLower(f"{name} normalises something other than the channels of an image")
    writing.check_channels(name, channels, layer.num_features)
    searched = writing.is_searched(f"{name}.weight")
    affine = layer.weight is not None
    number = writing.build.batch_norm(
        value.number, name, layer.eps, affine=affine, searched=searched
    )
    return Value(number, value.flat)


def linear(writing: Writing, layer: nn.Linear, name: str, value: Value) -> Value:
    size = math.prod(writing.shape(value))
    if not value.flat:
        raise CannotLower(f"{name} reads an image that isn't flattened")
    writing.check_channels(name, size, layer.in_features)
    searched = writing.is_searched(f"{name}.weight")
    bias = layer.bias is not None
    number = writing.build.linear(
        value.number, name, layer.out_features, bias=bias, searched=searched
    )
    return Value(number, flat=True)


LAYERS: dict[type, Callable] = {
    nn.Conv2d: conv2d,
    nn.BatchNorm2d: batch_norm,
    nn.BatchNorm1d: batch_norm,
    nn.Linear: linear,
    **dict.fromkeys(NOTHING, lambda writing, layer, name, value: value),
}
