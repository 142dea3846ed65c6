"""The functions of activations: what the engine calls each, and how PyTorch writes it.

A row of ``FUNCTIONS`` is all that this side knows of a function: programs, lowering, in-place forms
and the tests go by it. Its numbers and names are those of ``csrc/kernels/program/functions.h``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Function:
    """The function of an activation.

    Attributes:
        number: as the engine knows it.
        layer: makes a layer of it; its class, where all layers of the class are this function.
        called: functions of PyTorch that are it.
        written: those of them that write to what they read.
        methods: names of methods of tensors that are it; with an underscore at their end they
            write to what they read.
        below: name of the factor below zero, where there is one to be chosen: in the layer, and
            the first argument after the value of what is called; and what it is without a word.
        counted: whether it belongs to the pattern that scores count, by its pieces or by the sign
            of what enters it, as ``tegnas.regions`` has it with ``smooth=True``.
    """

    number: int
    layer: Callable[..., nn.Module]
    called: tuple[Callable, ...] = ()
    written: tuple[Callable, ...] = ()
    methods: tuple[str, ...] = ()
    below: tuple[str, float] | None = None
    counted: bool = True

    @property
    def inplace_at(self) -> int:
        """At which place ``called`` take ``inplace``, as far as they do."""
        return 1 if self.below is None else 2


# By their names in PyTorch; ``gelu`` is the exact one, ``gelu_tanh`` its approximation.
FUNCTIONS = {
    "relu6": Function(1, nn.ReLU6, (F.relu6,)),
    "sigmoid": Function(
        2, nn.Sigmoid, (torch.sigmoid,), (torch.sigmoid_,), ("sigmoid",), counted=False
    ),
    "hardsigmoid": Function(3, nn.Hardsigmoid, (F.hardsigmoid,)),
    "silu": Function(4, nn.SiLU, (F.silu,)),
    "hardswish": Function(5, nn.Hardswish, (F.hardswish,)),
    "gelu": Function(6, partial(nn.GELU, approximate="none")),
    "gelu_tanh": Function(7, partial(nn.GELU, approximate="tanh")),
    "leaky_relu": Function(
        8, nn.LeakyReLU, (F.leaky_relu,), (F.leaky_relu_,), below=("negative_slope", 0.01)
    ),
    "elu": Function(9, nn.ELU, (F.elu,), (F.elu_,), below=("alpha", 1.0)),
    "tanh": Function(10, nn.Tanh, (torch.tanh,), (torch.tanh_,), ("tanh",), counted=False),
    "mish": Function(11, nn.Mish, (F.mish,)),
}
