"""How many directions points span, by torch.linalg.eigvalsh in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def pattern_rank(distances: Tensor) -> Tensor:
    """``tegnas.ops.pattern_rank`` of squared distances (..., N, N), one matrix after the other."""
    matrices = distances.double().reshape(-1, *distances.shape[-2:])
    ranks = [_of_one(matrix) for matrix in matrices]
    return torch.tensor(ranks, dtype=torch.float64).reshape(distances.shape[:-2])


def _of_one(distances: Tensor) -> float:
    if not distances.isfinite().all():
        return math.nan
    n = len(distances)
    centring = torch.eye(n, dtype=torch.float64) - 1 / n
    eigenvalues = torch.linalg.eigvalsh(-centring @ distances @ centring).clamp(min=0)
    parts = eigenvalues / eigenvalues.sum()
    return float(torch.special.entr(parts).sum().exp())
