"""How many directions activation patterns span, from their distances alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tegnas.ops._library import call, register_fake, too_large_for_gpu


def pattern_rank(distances: Tensor) -> Tensor:
    """exp(−Σ p log p), where p = λ / Σ λ of the eigenvalues of −J D J, J = I − 1 1ᵀ / N.

    −J D J is twice the Gram of the points less their mean, where D are squared Euclidean distances
    (classical multidimensional scaling; Torgerson 1952): the effective rank (Roy & Vetterli,
    EUSIPCO 2007) goes from 1, where points lie on one line, to N − 1, where they differ by as much
    in every direction. Eigenvalues below zero, by rounding or since D isn't of that kind, count as
    zero.

    Householder tridiagonalisation and rational QL (Parlett, The Symmetric Eigenvalue Problem,
    8.15), many matrices at a time across the lanes of the vectors; on a GPU Sturm sequences.

    Args:
        distances: D, (..., N, N) with N ≥ 1, symmetric; int64, float32 or float64.

    Returns:
        float64 (...); NaN where all distances are 0, and where one isn't finite.

    Raises:
        ValueError: matrices that aren't square, or of size 0.
        TypeError: another dtype.
    """
    if too_large_for_gpu(distances):
        return _by_library(distances)
    return call("pattern_rank", distances)


def _by_library(distances: Tensor) -> Tensor:
    """The same by torch's routine, without waiting for the device; it refuses what isn't finite."""
    if distances.dtype not in (torch.int64, torch.float32, torch.float64):
        raise TypeError(
            f"pattern_rank: distances must be int64, float32 or float64, got {distances.dtype}."
        )
    distances = distances.double()
    finite = distances.isfinite().flatten(-2).all(-1)
    distances = torch.where(finite[..., None, None], distances, 0.0)
    means = distances.mean(-1, keepdim=True)
    centred = means + means.mT - distances - means.mean(-2, keepdim=True)
    eigenvalues = torch.linalg.eigvalsh(centred).clamp(min=0)
    parts = eigenvalues / eigenvalues.sum(-1, keepdim=True)
    return torch.special.entr(parts).sum(-1).exp().masked_fill(~finite, math.nan)


def _fake_pattern_rank(distances):
    return distances.new_empty(distances.shape[:-2], dtype=torch.float64)


register_fake("pattern_rank", _fake_pattern_rank)
