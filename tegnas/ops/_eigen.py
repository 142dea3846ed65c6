"""The ends of the spectrum of symmetric matrices, and their ratio."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from tegnas.ops._library import call, register_fake, too_large_for_gpu


class EigCondition(NamedTuple):
    """Extreme eigenvalues and condition numbers of matrices (..., n, n): float64 (...)."""

    lambda_min: Tensor
    lambda_max: Tensor
    condition: Tensor


def eig_condition(gram: Tensor) -> EigCondition:
    """Smallest and largest eigenvalue of symmetric matrices, and λmax/λmin.

    Householder tridiagonalisation, then bisection on Sturm sequences (Golub and Van Loan, Matrix
    Computations, 8.3 and 8.4), many matrices at a time across the lanes of the vectors. The
    absolute error of an eigenvalue is about n·ε·λmax in float64.

    Args:
        gram: (..., n, n) with n ≥ 1, float32 or float64; the lower triangles are read.

    Returns:
        Three float64 tensors (...). The condition is +inf where λmin ≤ n·ε·λmax, where λmax ≤ 0,
        and where an entry isn't finite (its eigenvalues are NaN then).

    Raises:
        ValueError: matrices that aren't square, or of size 0.
        TypeError: another dtype.
    """
    if too_large_for_gpu(gram):
        return _by_library(gram)
    return EigCondition(*call("eig_condition", gram))


def _by_library(gram: Tensor) -> EigCondition:
    """The same by torch's routine, without waiting for the device.

    It refuses what isn't finite, so such matrices become the identity and get their result
    afterwards.
    """
    if gram.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"eig_condition: matrices must be float32 or float64, got {gram.dtype}.")
    size = gram.shape[-1]
    lower = gram.double().tril()
    finite = lower.isfinite().flatten(-2).all(-1)
    identity = torch.eye(size, dtype=torch.float64, device=gram.device)
    values = torch.linalg.eigvalsh(torch.where(finite[..., None, None], lower, identity))
    smallest, largest = values[..., 0], values[..., -1]
    regular = smallest > largest * (size * torch.finfo(torch.float64).eps)
    return EigCondition(
        smallest.masked_fill(~finite, math.nan),
        largest.masked_fill(~finite, math.nan),
        (largest / smallest).masked_fill(~(finite & regular), math.inf),
    )


def _fake_eig_condition(gram):
    return tuple(gram.new_empty(gram.shape[:-2], dtype=torch.float64) for _ in range(3))


register_fake("eig_condition", _fake_eig_condition)
