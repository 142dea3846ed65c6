"""The ends of the spectrum of symmetric matrices, and their ratio."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tegnas.ops._library import register_fake


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
    return EigCondition(*torch.ops.tegnas.eig_condition(gram))


def _fake_eig_condition(gram):
    return tuple(gram.new_empty(gram.shape[:-2], dtype=torch.float64) for _ in range(3))


register_fake("eig_condition", _fake_eig_condition)
