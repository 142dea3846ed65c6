"""Rank correlation of indicators with accuracy, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau, spearmanr

from tegnas.errors import InputError


@dataclass(frozen=True)
class Correlation:
    """Agreement of one score with accuracy; ``low`` and ``high`` bound Kendall's τ at 95 %."""

    name: str
    tau: float
    low: float
    high: float
    rho: float


def correlate(
    name: str,
    score: np.ndarray,
    accuracy: np.ndarray,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Correlation:
    """Kendall's τ-b and Spearman's ρ between a score (higher is better) and accuracy.

    Ties count as ties, and infinite scores as the worst, tied. The interval is the percentile
    bootstrap over architectures.

    Args:
        score, accuracy: float arrays (A,), A at least 2.

    Raises:
        InputError: fewer than two architectures or arrays of different lengths.
    """
    score, accuracy = np.asarray(score, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    if score.shape != accuracy.shape or score.ndim != 1 or len(score) < 2:
        raise InputError("a correlation needs two or more architectures, each with an accuracy")
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(score), size=(resamples, len(score)))
    taus = [kendalltau(score[draw], accuracy[draw]).statistic for draw in draws]
    low, high = np.nanpercentile(taus, [2.5, 97.5])
    return Correlation(
        name,
        float(kendalltau(score, accuracy).statistic),
        float(low),
        float(high),
        float(spearmanr(score, accuracy).statistic),
    )
