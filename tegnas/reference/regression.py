"""Test error of kernel regression by torch.linalg in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kernel_regression_error(
    k_xx: Tensor, k_yx: Tensor, targets_x: Tensor, targets_y: Tensor, *, ridge: float = 0.0
) -> Tensor:
    """Mean over the images y of |t_y − K_yx (K_xx + ridge·1)⁻¹ T_x|², kernels (..., n, n).

    +inf where a pivot isn't above n·ε·(largest diagonal entry) or anything isn't finite. Source:
    TEG-NAS (arXiv 2108.11939), section 3.3.
    """
    k_xx, k_yx = k_xx.double(), k_yx.double()
    targets_x, targets_y = targets_x.double(), targets_y.double()
    size = k_xx.shape[-1]
    k_xx = k_xx + ridge * torch.eye(size, dtype=torch.float64)
    factor, info = torch.linalg.cholesky_ex(k_xx)
    pivots = factor.diagonal(dim1=-2, dim2=-1).square().amin(-1)
    threshold = size * torch.finfo(torch.float64).eps * k_xx.diagonal(dim1=-2, dim2=-1).amax(-1)
    solution = torch.cholesky_solve(targets_x.expand(*k_xx.shape[:-1], -1), factor)
    error = (k_yx @ solution - targets_y).square().sum(-1).mean(-1)
    sound = (info == 0) & (pivots > threshold) & error.isfinite()
    return torch.where(sound, error, math.inf)
