"""Activations: as layers, as functions and as methods, by the rows of ``FUNCTIONS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tegnas.engine.functions import FUNCTIONS, Function
from tegnas.engine.handlers.writing import Value, Writing
from tegnas.engine.tracing import CannotLower


def relu(writing: Writing, value: Value) -> Value:
    return Value(writing.build.relu(value.number, counted=not value.flat), value.flat)


def activation(writing: Writing, function: str, value: Value, below: float = 0.0) -> Value:
    counted = FUNCTIONS[function].counted and not value.flat
    number = writing.build.activation(value.number, function, counted=counted, below=below)
    return Value(number, value.flat)


def hardtanh(writing: Writing, value: Value, low: float, high: float) -> Value:
    if (low, high) != (0, 6):
        raise CannotLower(f"it bounds values by {low} and {high} instead of 0 and 6")
    return activation(writing, "relu6", value)


def gelu(writing: Writing, value: Value, approximate: str) -> Value:
    function = {"none": "gelu", "tanh": "gelu_tanh"}.get(approximate)
    if function is None:
        raise CannotLower(f"it approximates GELU by {approximate}")
    return activation(writing, function, value)


def _relu_function(writing: Writing, value: Value, inplace: bool = False) -> Value:
    return relu(writing, value)


def _hardtanh_function(
    writing: Writing,
    value: Value,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,
) -> Value:
    return hardtanh(writing, value, min_val, max_val)


def _gelu_function(writing: Writing, value: Value, *, approximate: str = "none") -> Value:
    return gelu(writing, value, approximate)


def _layer_of(name: str, function: Function) -> Callable:
    def lower(writing: Writing, layer: nn.Module, _: str, value: Value) -> Value:
        below = getattr(layer, function.below[0]) if function.below else 0.0
        return activation(writing, name, value, below)

    return lower


def _function_of(name: str, function: Function) -> Callable:
    factor, default = function.below or (None, 0.0)
    names = ("inplace",) if factor is None else (factor, "inplace")

    def lower(writing: Writing, value: Value, *arguments: Any, **options: Any) -> Value:
        given = dict(zip(names, arguments, strict=False)) | options
        if len(arguments) > len(names) or not given.keys() <= set(names):
            raise CannotLower(f"it calls {name} with arguments that programs don't have")
        return activation(writing, name, value, given.get(factor, default) if factor else default)

    return lower


# Those that are more than one function come last.
LAYERS: dict[type, Callable] = {
    **{
        function.layer: _layer_of(name, function)
        for name, function in FUNCTIONS.items()
        if isinstance(function.layer, type)
    },
    nn.ReLU: lambda writing, layer, name, value: relu(writing, value),
    **dict.fromkeys(
        (nn.ReLU6, nn.Hardtanh),
        lambda writing, layer, name, value: hardtanh(writing, value, layer.min_val, layer.max_val),
    ),
    nn.GELU: lambda writing, layer, name, value: gelu(writing, value, layer.approximate),
}

CALLED: dict[Callable, Callable] = {
    **{
        called: _function_of(name, function)
        for name, function in FUNCTIONS.items()
        for called in function.called + function.written
    },
    torch.relu: _relu_function,
    torch.relu_: _relu_function,
    F.relu: _relu_function,
    F.hardtanh: _hardtanh_function,
    F.hardtanh_: _hardtanh_function,
    F.gelu: _gelu_function,
}

METHODS: dict[str, Callable] = {
    **{
        method + ending: _function_of(name, function)
        for name, function in FUNCTIONS.items()
        for method in function.methods
        for ending in ("", "_")
    },
    "relu": _relu_function,
    "relu_": _relu_function,
}
