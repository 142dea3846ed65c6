"""Each image against all others of the batch, from one kernel and without labels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_THREADS = threading.Lock()


def leave_one_out(kernels: Tensor) -> tuple[Tensor, Tensor]:
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

    Args:
        kernels: float64 (..., N, N), symmetric, N ≥ 2.

    Returns:
        The two, float64 (...); both inf where a kernel has a row of zeros, is singular to working
        precision (a pivot of the scaled kernel is at most N·ε), or isn't finite.
    """
    with _one_thread():
        inflation, error = _of_batch(kernels.reshape(-1, *kernels.shape[-2:]))
    return inflation.reshape(kernels.shape[:-2]), error.reshape(kernels.shape[:-2])


@contextmanager
def _one_thread() -> Iterator[None]:
    """LAPACK on one thread.

    On matrices of this size its threads mostly wait for each other: two of them were 250 times
    slower than one on a busy machine of two cores.
    """
    with _THREADS:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _of_batch(flat: Tensor) -> tuple[Tensor, Tensor]:
    n = flat.shape[-1]
    squares = flat.diagonal(dim1=1, dim2=2)
    usable = flat.isfinite().all(2).all(1) & (squares > 0).all(1)
    identity = torch.eye(n, dtype=flat.dtype, device=flat.device)
    flat = torch.where(usable[:, None, None], flat, identity)
    squares = torch.where(usable[:, None], squares, 1.0)
    lengths = squares.sqrt()
    factors, failed = torch.linalg.cholesky_ex(flat / (lengths[:, :, None] * lengths[:, None, :]))
    pivots = factors.diagonal(dim1=1, dim2=2).square()
    usable &= (failed == 0) & (pivots.amin(1) > n * torch.finfo(flat.dtype).eps)
    inverse = _inverse(torch.where(usable[:, None, None], factors, identity))
    own = inverse.diagonal(dim1=1, dim2=2)
    inflation = own.mean(1)
    shares = (inverse / own[:, :, None]).square() * (squares[:, :, None] / squares[:, None, :])
    error = shares.sum(2).mean(1)
    results = torch.stack([inflation, error])
    results = torch.where(usable & results.isfinite().all(0), results, torch.inf)
    return results[0], results[1]


def _inverse(factors: Tensor) -> Tensor:
    """(L Lᵀ)⁻¹ of lower triangular factors L (B, N, N)."""
    if factors.device.type == "cpu":
        return torch.cholesky_inverse(factors)
    # On a GPU that starts a solver for every matrix, or waits for the device.
    return inverse_of_all_at_once(factors)


def inverse_of_all_at_once(factors: Tensor) -> Tensor:
    """(L Lᵀ)⁻¹ = L⁻ᵀ L⁻¹ of lower triangular factors L (B, N, N), in operations over all of B."""
    identity = torch.eye(factors.shape[-1], dtype=factors.dtype, device=factors.device)
    halves = torch.linalg.solve_triangular(factors, identity.expand_as(factors), upper=False)
    return halves.mT @ halves
