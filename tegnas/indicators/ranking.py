"""Combining the three indicators within a compared set."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def rank_sum(kappa: np.ndarray, regions: np.ndarray, mse: np.ndarray) -> np.ndarray:
    """Sum of the ranks by the three indicators, (A,) float64, lower is better.

    Within an indicator ties share the mean of their ranks. An architecture without a finite κ or
    MSE is bad in all three: such architectures are worst and tie with each other. (TEG-NAS, arXiv
    2108.11939, section 4: the selection of its evolution search.)
    """
    bad = ~(np.isfinite(kappa) & np.isfinite(mse))
    costs = np.stack([kappa, -np.asarray(regions, dtype=np.float64), mse])
    costs[:, bad] = np.inf
    if costs.shape[1] == 0:
        return np.zeros(0)
    return rankdata(costs, method="average", axis=1).sum(0)


def positions(cost: np.ndarray) -> np.ndarray:
    """Position of each entry, (A,) int64: 0 for the lowest cost, ties share the best of theirs."""
    if cost.size == 0:
        return np.zeros(0, dtype=np.int64)
    return rankdata(cost, method="min").astype(np.int64) - 1
