"""Ranks, and combining indicators within a compared set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tegnas.indicators.base import Indicator

RANK_SUM, LOG_RANK = "rank-sum", "log-rank"
COMBINATIONS = (RANK_SUM, LOG_RANK)


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


def rank_score(
    indicators: Sequence[Indicator],
    columns: Sequence[np.ndarray],
    combination: str = RANK_SUM,
) -> np.ndarray:
    """One order of a set from all its indicators, (A,) float64, lower is better; see ``combine``.

    Each counts by its weight.

    An architecture for which one of them isn't finite is bad in everything: such architectures are
    worst and tie with each other. (TEG-NAS, arXiv 2108.11939, section 4: the selection of its
    evolution search.) An indicator that isn't defined (NaN) for one of the set, such as the
    parameters of a supernet, takes no part.

    Args:
        indicators: of the columns.
        columns: values, float64 (A,) each.
        combination: ``rank-sum`` or ``log-rank``.
    """
    kept = [
        (each, np.asarray(values, dtype=np.float64))
        for each, values in zip(indicators, columns, strict=True)
        if not np.isnan(values).any()
    ]
    count = len(columns[0]) if columns else 0
    if not kept:
        return np.zeros(count)
    bad = np.isinf(np.array([values for _, values in kept])).any(axis=0)
    costs = [each.cost(values) for each, values in kept]
    return combine(costs, bad, combination, [each.weight for each, _ in kept])


def behind(scores: np.ndarray, stopped: np.ndarray) -> np.ndarray:
    """Rank scores with those of stopped architectures moved behind all others, (A,) float64.

    A race leaves some with fewer networks than the rest. They stay in the set by which the others
    are ranked, with the averages they have, and none of them comes before a full score.

    Args:
        scores: lower is better, (A,).
        stopped: (A,) bool.
    """
    return np.where(stopped, scores + scores.max(initial=0.0) + 1, scores)


def combine(
    costs: Sequence[np.ndarray],
    bad: np.ndarray,
    combination: str = RANK_SUM,
    weights: Sequence[float] | None = None,
) -> np.ndarray:
    """One order from several costs, (A,) float64: lower is better.

    Within a cost ties share the mean of their ranks. ``rank-sum`` adds the ranks. ``log-rank`` adds
    log A / r, where r is the rank counted from the worst, 1, to the best, A: one bad rank weighs
    more than a good one elsewhere makes up for (AZ-NAS, arXiv 2403.19232, section 3.2). Either sum
    is weighted.

    Args:
        costs: lower is better, (A,) each.
        bad: the architectures that are worst in each, (A,) bool.
        weights: of the costs; None is 1 for each.
    """
    stacked = np.array(costs, dtype=np.float64)
    stacked[:, bad] = np.inf
    count = stacked.shape[1]
    if count == 0:
        return np.zeros(0)
    table = ranks(stacked)
    if combination == LOG_RANK:
        table = np.log(count / (count + 1 - table))
    if weights is not None:
        table *= np.array(weights)[:, None]
    return table.sum(0)


def positions(cost: np.ndarray) -> np.ndarray:
    """Position of each entry, (A,) int64: 0 for the lowest cost, ties share the best of theirs."""
    return np.searchsorted(np.sort(cost), cost).astype(np.int64)


def kendall_tau(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's τ-b of two rows of numbers; NaN where one of them is constant."""
    from scipy.stats import kendalltau  # slow to import, see ``ranks``

    return float(kendalltau(x, y).statistic)
