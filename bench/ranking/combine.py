"""Costs of several probes to one, and several indicators to one order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def average(costs: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over probes; statistics are logarithms, so that no probe outweighs the others."""
    return np.mean(costs, axis=0)


def ranks(cost: np.ndarray) -> np.ndarray:
    """Ranks from 1 (best), ties share their mean; NaN is worst, tied."""
    return rankdata(np.where(np.isnan(cost), np.inf, cost))


def rank_sum(costs: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of ranks, lower is better."""
    return np.sum([ranks(cost) for cost in costs], axis=0)


def log_rank(costs: Sequence[np.ndarray]) -> np.ndarray:
    """Minus Σ log of the ranks counted from the worst: a bad rank in one weighs more."""
    return -np.sum([np.log(len(cost) + 1 - ranks(cost)) for cost in costs], axis=0)


def agreement(costs: Sequence[np.ndarray]) -> np.ndarray:
    """First principal component of the ranks: weights from agreement, not from accuracy."""
    table = np.stack([ranks(cost) for cost in costs])
    table = (table - table.mean(1, keepdims=True)) / table.std(1, keepdims=True)
    _, vectors = np.linalg.eigh(table @ table.T)
    weights = vectors[:, -1]
    return (weights * np.sign(weights.sum())) @ table


def product(costs: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of standardised costs (logarithms: a product), failures at the worst value."""
    total = np.zeros(len(costs[0]))
    for cost in costs:
        filled = np.where(np.isfinite(cost), cost, np.nanmax(cost[~np.isinf(cost)]))
        total += (filled - filled.mean()) / filled.std()
    return total


AGGREGATIONS = {
    "rank-sum": rank_sum,
    "log-rank": log_rank,
    "agreement": agreement,
    "product": product,
}
