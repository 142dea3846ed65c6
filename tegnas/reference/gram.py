"""The Gram of per-image weight gradients, with every row of the Jacobian written out.

Source: Jacot et al. 2018, for the scalars of TEG-NAS (arXiv 2108.11939). In float64 throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def conv2d_rows(
    input: Tensor,
    grad: Tensor,
    *,
    kernel_size: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> Tensor:
    """Per-image gradients of a convolution's weight: (N, C_out · C_in/groups · kernel).

    ``input`` is (N, C_in, H, W) and ``grad``, at the output, (N, C_out, H_out, W_out).
    """
    images, channels = input.shape[:2]
    outputs, positions = grad.shape[1], grad.shape[2] * grad.shape[3]
    taps = kernel_size[0] * kernel_size[1]
    if 0 in (images, channels, outputs, positions):
        return grad.new_zeros(images, outputs * (channels // groups) * taps)
    patches = F.unfold(input, kernel_size, dilation=dilation, padding=padding, stride=stride)
    patches = patches.reshape(images, groups, channels // groups * taps, positions)
    grad = grad.reshape(images, groups, outputs // groups, positions)
    return torch.einsum("ngkt,ngot->ngok", patches, grad).reshape(images, -1)


def linear_rows(input: Tensor, grad: Tensor) -> Tensor:
    """Per-image gradients of a linear layer: (N, T, in) and (N, T, out) to (N, out · in)."""
    return torch.einsum("nto,nti->noi", grad, input).flatten(1)


def scale_rows(input: Tensor, grad: Tensor) -> Tensor:
    """Per-image gradients of a norm layer's scale: both (N, C, T), to (N, C)."""
    return (input * grad).sum(2)


def ntk_gram(rows: Sequence[Tensor], other: Sequence[Tensor] | None = None) -> Tensor:
    """Σ over layers of J Jᵀ, or J J'ᵀ: matrices (N, P_l) to float64 (N, N) or (N, N')."""
    others = rows if other is None else other
    pairs = zip(rows, others, strict=True)
    return torch.stack([left.double() @ right.double().T for left, right in pairs]).sum(0)
