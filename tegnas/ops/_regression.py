"""How well kernels predict one labelled batch from another."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tegnas.ops._library import call, register_fake, too_large_for_gpu


def kernel_regression_error(
    k_xx: Tensor, k_yx: Tensor, targets_x: Tensor, targets_y: Tensor, *, ridge: float = 0.0
) -> Tensor:
    """Mean over the m images y of |t_y − K_yx (K_xx + ridge·1)⁻¹ T_x|², by Cholesky in float64.

    Source: TEG-NAS (arXiv 2108.11939), section 3.3.

    Args:
        k_xx: kernels of the training images, (..., n, n) with n ≥ 1; lower triangles are read.
        k_yx: kernels between validation and training images, (..., m, n).
        targets_x, targets_y: targets (n, classes) and (m, classes), the same for every kernel.
        ridge: added to the diagonal of ``k_xx``.
        All are float32 or float64.

    Returns:
        float64 tensor (...): the squared error summed over the classes; +inf where a pivot isn't
        above n·ε·(largest diagonal entry), that is ``k_xx`` is singular to working precision, and
        where anything isn't finite.

    Raises:
        ValueError: shapes that don't fit each other.
        TypeError: another dtype.
    """
    if too_large_for_gpu(k_xx):
        return _by_library(k_xx, k_yx, targets_x, targets_y, ridge)
    return call("kernel_regression_error", k_xx, k_yx, targets_x, targets_y, ridge)


def _by_library(
    k_xx: Tensor, k_yx: Tensor, targets_x: Tensor, targets_y: Tensor, ridge: float
) -> Tensor:
    """The same by torch's routines, without waiting for the device."""
    n, m, classes = k_xx.shape[-1], k_yx.shape[-2], targets_x.shape[-1]
    if (k_xx.shape[-2], k_yx.shape, targets_x.shape, targets_y.shape) != (
        n,
        (*k_xx.shape[:-2], m, n),
        (n, classes),
        (m, classes),
    ):
        raise ValueError(
            "kernel_regression_error: k_xx must be (..., n, n), k_yx (..., m, n), and targets "
            f"(n, classes) and (m, classes), got {tuple(k_xx.shape)}, {tuple(k_yx.shape)}, "
            f"{tuple(targets_x.shape)} and {tuple(targets_y.shape)}."
        )
    floating = (torch.float32, torch.float64)
    for each in (k_xx, k_yx, targets_x, targets_y):
        if each.dtype not in floating:
            raise TypeError(
                f"kernel_regression_error: all must be float32 or float64, got {each.dtype}."
            )
    identity = torch.eye(n, dtype=torch.float64, device=k_xx.device)
    regular = k_xx.double() + ridge * identity
    # A factorisation that fails leaves its mark in `failed`. A pivot that isn't above
    # n·ε·(largest diagonal entry) counts as failed, as in the kernel.
    factor, failed = torch.linalg.cholesky_ex(regular)
    pivots = factor.diagonal(dim1=-2, dim2=-1).square().amin(-1)
    threshold = regular.diagonal(dim1=-2, dim2=-1).amax(-1) * (n * torch.finfo(torch.float64).eps)
    targets = targets_x.double().expand(*k_xx.shape[:-2], -1, -1)
    predicted = k_yx.double() @ torch.cholesky_solve(targets, factor)
    error = (targets_y.double() - predicted).square().sum((-2, -1)) / m
    sound = (failed == 0) & (pivots > threshold) & error.isfinite()
    return error.masked_fill(~sound, math.inf)


def _fake_kernel_regression_error(k_xx, k_yx, targets_x, targets_y, ridge):
    return k_xx.new_empty(k_xx.shape[:-2], dtype=torch.float64)


register_fake("kernel_regression_error", _fake_kernel_regression_error)
