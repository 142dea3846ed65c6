"""The Gram of per-image weight gradients, without the Jacobian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tegnas.errors import InputError
from tegnas.ops._library import call, register_fake

Pair = int | tuple[int, ...]


@dataclass(frozen=True)
class Conv2dTerm:
    """A convolution: ``input`` (B, N, C_in, H, W) and ``grad`` (B, N, C_out, H_out, W_out).

    ``grad`` is the gradient at the layer's output. B counts independent networks, N images. The
    geometry is that of ``torch.nn.Conv2d`` with zero padding.
    """

    input: Tensor
    grad: Tensor
    kernel_size: Pair
    stride: Pair = 1
    padding: Pair = 0
    dilation: Pair = 1
    groups: int = 1

    @property
    def geometry(self) -> list[int]:
        pairs = (self.kernel_size, self.stride, self.padding, self.dilation)
        return [0, *(number for pair in pairs for number in _two(pair)), self.groups]


@dataclass(frozen=True)
class LinearTerm:
    """A linear layer: ``input`` (B, N, T, in) and ``grad`` (B, N, T, out).

    T positions (tokens) share the weight; T = 1 for the usual (N, in) layer.
    """

    input: Tensor
    grad: Tensor

    @property
    def geometry(self) -> list[int]:
        return [1, 1, 1, 1, 1, 0, 0, 1, 1, 1]


@dataclass(frozen=True)
class ScaleTerm:
    """The scale of a norm layer: the normalised ``input`` and ``grad``, both (B, N, C, T)."""

    input: Tensor
    grad: Tensor

    @property
    def geometry(self) -> list[int]:
        return [2, 1, 1, 1, 1, 0, 0, 1, 1, 1]


LayerTerm = Conv2dTerm | LinearTerm | ScaleTerm


def ntk_gram(layers: Sequence[LayerTerm], other: Sequence[LayerTerm] | None = None) -> Tensor:
    """Σ over layers of J Jᵀ, row i of J the gradient of image i by the layer's weight.

    The empirical NTK of the scalars whose gradients at the layers' outputs are given (Jacot et al.
    2018). The weight gradients are formed in the operands' precision or, where that is cheaper,
    never formed; their products are added up in float64. The Jacobian is never held as a whole,
    and the result doesn't depend on the number of threads.

    Args:
        layers: terms of one batch of N images, float32 or float64, any strides.
        other: the same layers for another batch of N' images, for the cross kernel.

    Returns:
        float64 tensor (B, N, N), or (B, N, N') with ``other``.

    Raises:
        InputError: no layers, or layers that differ between the two batches.
        ValueError: operands whose shapes don't fit each other or the geometry.
        TypeError: operands that are neither float32 nor float64, or mixed.
    """
    if not layers:
        raise InputError("ntk_gram needs at least one layer")
    geometry = [number for term in layers for number in term.geometry]
    if other is not None and geometry != [n for term in other for n in term.geometry]:
        raise InputError("ntk_gram: both batches must come from the same layers")
    others = other or ()
    return call(
        "ntk_gram",
        [term.input for term in layers],
        [term.grad for term in layers],
        [term.input for term in others],
        [term.grad for term in others],
        geometry,
    )


def _two(pair: Pair) -> tuple[int, int]:
    numbers = (pair, pair) if isinstance(pair, int) else tuple(pair)
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) != 2:
        raise InputError(f"a 2-d convolution has one or two numbers here, got {pair}")
    return numbers[0], numbers[1]


def _fake_ntk_gram(inputs, grads, other_inputs, other_grads, geometry):
    networks, images = inputs[0].shape[:2]
    others = other_inputs[0].shape[1] if other_inputs else images
    return inputs[0].new_empty((networks, images, others), dtype=torch.float64)


register_fake("ntk_gram", _fake_ntk_gram)
