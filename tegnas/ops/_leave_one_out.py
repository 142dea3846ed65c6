"""Each image against all others of the batch, from one kernel and without labels."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from tegnas.ops._library import call, register_fake, too_large_for_gpu


class LeaveOneOut(NamedTuple):
    """Variance inflation and leave-one-out error of kernels (..., n, n): float64 (...)."""

    inflation: Tensor
    error: Tensor


def leave_one_out(kernels: Tensor) -> LeaveOneOut:
    """Mean variance inflation of the gradients, and the expected leave-one-out error.

    Both follow from Θ⁻¹ in closed form. Let Θᵢᵢ − uᵢ be what a linear combination of the other
    images' gradients explains of the squared gradient of image i; then uᵢ = 1 / (Θ⁻¹)ᵢᵢ.

    - variance inflation: mean over i of Θᵢᵢ / uᵢ, at least 1. It is mean λ · mean 1/λ of the
      eigenvalues of Θ scaled to a diagonal of ones: a condition number in which the whole low end
      of the spectrum counts in place of its last value, and the lengths of the gradients don't.
      (In regression it is the mean variance inflation factor; Marquardt 1970, section 4.)
    - leave-one-out error: mean over i of the expected squared error of predicting target i by
      kernel regression on all other images, for targets of white noise: Σⱼ (Θ⁻¹)ᵢⱼ² / (Θ⁻¹)ᵢᵢ²,
      at least 1. (The leave-one-out residual is (Θ⁻¹t)ᵢ / (Θ⁻¹)ᵢᵢ; Rasmussen & Williams 2006,
      section 5.4.2.) It is the part of the error of generalization that comes from noise in the
      labels.

    Computed in float64 by the Cholesky factor of the scaled kernel.

    Args:
        kernels: (..., n, n) with n ≥ 1, symmetric, float32 or float64; lower triangles are read.

    Returns:
        The two, float64 (...); both inf where a kernel has a diagonal entry that isn't above zero,
        is singular to working precision (a pivot of the scaled kernel is at most n·ε), or isn't
        finite.

    Raises:
        ValueError: kernels that aren't square, or of size 0.
        TypeError: another dtype.
    """
    if too_large_for_gpu(kernels):
        return _by_library(kernels)
    return LeaveOneOut(*call("leave_one_out", kernels))


def _by_library(kernels: Tensor) -> LeaveOneOut:
    """The same by torch's routines, without waiting for the device.

    Kernels that can't be factorised become the identity and get their result afterwards.
    """
    if kernels.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"leave_one_out: kernels must be float32 or float64, got {kernels.dtype}.")
    n = kernels.shape[-1]
    identity = torch.eye(n, dtype=torch.float64, device=kernels.device)

    def where(sound: Tensor, matrices: Tensor) -> Tensor:
        return torch.where(sound[..., None, None], matrices, identity)

    lower = kernels.double().tril()
    positive = (lower.diagonal(dim1=-2, dim2=-1) > 0).all(-1)
    sound = positive & lower.isfinite().flatten(-2).all(-1)
    usable = where(sound, lower)
    squares = usable.diagonal(dim1=-2, dim2=-1)
    lengths = squares.sqrt()
    scaled = usable / (lengths[..., :, None] * lengths[..., None, :])
    factor, failed = torch.linalg.cholesky_ex(scaled)
    pivots = factor.diagonal(dim1=-2, dim2=-1).square().amin(-1)
    sound = sound & (failed == 0) & (pivots > n * torch.finfo(torch.float64).eps)
    halves = torch.linalg.solve_triangular(where(sound, factor), identity, upper=False)
    inverse = halves.mT @ halves
    own = inverse.diagonal(dim1=-2, dim2=-1)
    ratios = squares[..., :, None] / squares[..., None, :]
    shares = (inverse / own[..., :, None]).square() * ratios
    inflation, error = own.mean(-1), shares.sum(-1).mean(-1)
    sound = sound & inflation.isfinite() & error.isfinite()
    return LeaveOneOut(inflation.masked_fill(~sound, math.inf), error.masked_fill(~sound, math.inf))


def _fake_leave_one_out(kernels):
    return tuple(kernels.new_empty(kernels.shape[:-2], dtype=torch.float64) for _ in range(2))


register_fake("leave_one_out", _fake_leave_one_out)
