"""Each image of a batch against the others: one image at a time, and by one inverse."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def leave_one_out_by_regressions(kernel: Tensor) -> tuple[float, float]:
    """``tegnas.ops.leave_one_out`` of one kernel (N, N), by N regressions."""
    n = len(kernel)
    inflation, errors = [], []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        weights = torch.linalg.solve(kernel[others][:, others], kernel[others, i])
        unexplained = kernel[i, i] - weights @ kernel[others, i]
        inflation.append(kernel[i, i] / unexplained)
        # Its own noise, and that of the other targets through the weights.
        errors.append(1 + weights.square().sum())
    return float(torch.stack(inflation).mean()), float(torch.stack(errors).mean())


def leave_one_out(kernels: Tensor) -> tuple[Tensor, Tensor]:
    """``tegnas.ops.leave_one_out`` of kernels (..., n, n), by the inverse of each in float64."""
    kernels = kernels.double().tril()
    n, shape = kernels.shape[-1], kernels.shape[:-2]
    flat = kernels.reshape(-1, n, n)
    squares = flat.diagonal(dim1=1, dim2=2)
    usable = flat.isfinite().flatten(1).all(1) & (squares > 0).all(1)
    flat = torch.where(usable[:, None, None], flat, torch.eye(n, dtype=flat.dtype))
    squares = torch.where(usable[:, None], squares, 1.0)
    lengths = squares.sqrt()
    factors, failed = torch.linalg.cholesky_ex(flat / (lengths[:, :, None] * lengths[:, None, :]))
    pivots = factors.diagonal(dim1=1, dim2=2).square()
    usable &= (failed == 0) & (pivots.amin(1) > n * torch.finfo(flat.dtype).eps)
    inverse = torch.cholesky_inverse(factors)
    own = inverse.diagonal(dim1=1, dim2=2)
    shares = (inverse / own[:, :, None]).square() * (squares[:, :, None] / squares[:, None, :])
    results = torch.stack([own.mean(1), shares.sum(2).mean(1)])
    inflation, error = torch.where(usable & results.isfinite().all(0), results, math.inf)
    return inflation.reshape(shape), error.reshape(shape)
