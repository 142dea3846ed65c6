"""Expressivity where linear regions say nothing: how many directions the kernel spans."""

from __future__ import annotations

import torch
from torch import Tensor

from tegnas.indicators.base import EXPRESSIVITY, HIGHER, Indicator
from tegnas.indicators.sources import SEARCHED, Kernel, Kernels


def effective_rank(kernels: Tensor) -> Tensor:
    """(Σ λ)² / Σ λ² of the eigenvalues of each kernel scaled to a diagonal of ones.

    From 1, where every two examples have parallel gradients, to N, where no two have anything in
    common.

    Args:
        kernels: float64 (..., N, N), symmetric.

    Returns:
        Float64 (...); NaN where a kernel has a row of zeros or isn't finite.
    """
    lengths = torch.diagonal(kernels, dim1=-2, dim2=-1).sqrt()
    cosines = kernels / (lengths[..., :, None] * lengths[..., None, :])
    return kernels.shape[-1] ** 2 / cosines.square().sum((-2, -1))


def _rank(kernels: Kernels) -> Tensor:
    return effective_rank(kernels.searched)


KERNEL_RANK = Indicator(
    name="kernel_rank",
    symbol="rank",
    title="effective rank of the kernel of the examples' gradients",
    role=EXPRESSIVITY,
    better=HIGHER,
    source=Kernel(weights=SEARCHED),
    compute=_rank,
    citation="tegnas.indicators.kernel_rank; participation ratio: Bell & Dean 1970",
)
