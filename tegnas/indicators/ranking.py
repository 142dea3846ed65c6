"""Ranks, and combining the three indicators within a compared set."""

from __future__ import annotations

import numpy as np


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 along the last axis, float64 of the same shape; ties share their mean rank.

    As ``scipy.stats.rankdata``, whose import would double the time that the command takes to start.
    """
    if values.ndim > 1:
        return np.stack([ranks(row) for row in values]) if len(values) else values.astype(float)
    ordered = np.sort(values)
    before = np.searchsorted(ordered, values, side="left")
    through = np.searchsorted(ordered, values, side="right")
    return (before + through + 1) / 2


def rank_sum(kappa: np.ndarray, regions: np.ndarray, mse: np.ndarray) -> np.ndarray:
    """Sum of the ranks by the three indicators, (A,) float64, lower is better.

    Within an indicator ties share the mean of their ranks. An architecture without a finite κ or
    MSE is bad in all three: such architectures are worst and tie with each other. (TEG-NAS, arXiv
    2108.11939, section 4: the selection of its evolution search.)
    """
    bad = ~(np.isfinite(kappa) & np.isfinite(mse))
    costs = np.stack([kappa, -np.asarray(regions, dtype=np.float64), mse])
    costs[:, bad] = np.inf
    return ranks(costs).sum(0)


def positions(cost: np.ndarray) -> np.ndarray:
    """Position of each entry, (A,) int64: 0 for the lowest cost, ties share the best of theirs."""
    return np.searchsorted(np.sort(cost), cost).astype(np.int64)


def kendall_tau(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's τ-b of two rows of numbers; NaN where one of them is constant."""
    from scipy.stats import kendalltau  # slow to import, see ``ranks``

    return float(kendalltau(x, y).statistic)
