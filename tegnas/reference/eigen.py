"""Condition numbers by torch.linalg.eigvalsh in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def eig_condition(gram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """λmin, λmax and λmax/λmin of (..., n, n): +inf where singular, not positive or not finite."""
    gram = gram.double()
    shape, size = gram.shape[:-2], gram.shape[-1]
    lowest = torch.full(shape, math.nan, dtype=torch.float64)
    highest = lowest.clone()
    finite = gram.tril().isfinite().flatten(-2).all(-1)
    if finite.any():
        values = torch.linalg.eigvalsh(gram[finite])
        lowest[finite], highest[finite] = values[..., 0], values[..., -1]
    singular = lowest <= size * torch.finfo(torch.float64).eps * highest
    bad = ~finite | singular | (highest <= 0)
    return lowest, highest, torch.where(bad, math.inf, highest / lowest)
