"""How hard a landscape is to search: figures that stand beside its pictures.

All figures are taken on ranks, since some indicators span orders of magnitude and only the order of
architectures matters to a search; failures share the worst rank.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tegnas.analysis.encoding import distances, encode
from tegnas.analysis.score_table import ScoreTable
from tegnas.errors import InputError
from tegnas.scoring.labels import combined_label
from tegnas.scoring.ranking import kendall_tau, ranks
from tegnas.spaces import Architecture, Space


@dataclass(frozen=True)
class Ruggedness:
    """Of one quantity on one set of architectures.

    Attributes:
        name: of the quantity.
        count: architectures with a value.
        optima: local optima under single changes: no neighbour is better, and one is worse.
        basin: share of the architectures from which steepest descent ends in the best value.
        autocorrelation: of the values one step apart on a random walk; 1 is smooth, 0 random.
        correlation_length: steps after which the correlation of a walk has fallen to 1/e.
        distance_correlation: of the value with the number of choices in which an architecture
            differs from the nearest best one; near 1, every step to the best is rewarded.
    """

    name: str
    count: int
    optima: int
    basin: float
    autocorrelation: float
    correlation_length: float
    distance_correlation: float


def neighbour_table(space: Space, archs: Sequence[Architecture]) -> np.ndarray:
    """Indices of every architecture's neighbours within the set, int64 (A, D), −1 for none."""
    index = {arch: i for i, arch in enumerate(archs)}
    rows = [[index.get(other, -1) for other in space.neighbours(arch)] for arch in archs]
    width = max(map(len, rows), default=0)
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64)


def ruggedness(
    name: str, cost: np.ndarray, codes: np.ndarray, neighbours: np.ndarray
) -> Ruggedness:
    """Figures of one quantity, exact on the given set; on a whole space they are the space's.

    Args:
        cost: float (A,), lower is better; inf is failed, NaN unknown (as if not in the set).
        codes: of the architectures, from ``encode``.
        neighbours: from ``neighbour_table``.

    Raises:
        InputError: fewer than three architectures have a value.
    """
    known = ~np.isnan(cost)
    if known.sum() < 3:
        raise InputError(f"{name}: ruggedness needs three or more architectures with a value")
    rank = np.full(len(cost), np.nan)
    rank[known] = ranks(cost[known])
    # Unknown neighbours and neighbours outside of the set are no neighbours.
    around = np.where(neighbours < 0, np.nan, rank[neighbours])
    around[~known] = np.nan
    finite = known & np.isfinite(cost)
    better = around < rank[:, None]
    worse = around > rank[:, None]
    optima = finite & ~better.any(1) & worse.any(1)
    best = rank == np.nanmin(rank)
    first = _autocorrelation(rank, around)
    return Ruggedness(
        name,
        int(known.sum()),
        int(optima.sum()),
        float(best[_descend(rank, around, neighbours)][known].mean()),
        first,
        float(-1 / np.log(first)) if 0 < first < 1 else float("nan"),
        _distance_correlation(rank, codes, best),
    )


def landscape_ruggedness(
    scores: ScoreTable, accuracy: np.ndarray | None = None
) -> tuple[Ruggedness, ...]:
    """Ruggedness of the indicators, their rank score, and accuracy (percent, NaN where unknown).

    Values are taken to five digits: networks that compute the same in another order differ by
    rounding, which would turn their plateaus into optima.
    """
    scores = replace(scores, values=_rounded(scores.values))
    codes = encode(scores.space, scores.archs)
    neighbours = neighbour_table(scores.space, scores.archs)
    costs = scores.costs() | {combined_label(scores.indicators): scores.rank_score}
    if accuracy is not None and (~np.isnan(accuracy)).sum() >= 3:
        costs["accuracy"] = -accuracy
    return tuple(ruggedness(name, cost, codes, neighbours) for name, cost in costs.items())


def _rounded(values: np.ndarray, digits: int = 5) -> np.ndarray:
    """Positive values to so many significant digits; what isn't finite stays."""
    kept = np.isfinite(values) & (values > 0)
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(values[kept])))
    rounded = values.copy()
    rounded[kept] = np.round(values[kept] * scale) / scale
    return rounded


def agreement(scores: ScoreTable) -> dict[str, float]:
    """Kendall's τ between each two indicators: how well they can be had together.

    1: what is best by one is best by the other; negative: a search has to trade one for the other.
    Failures are left out.
    """
    costs = {name: cost[~scores.failed] for name, cost in scores.costs().items()}
    return {
        f"{a} and {b}": kendall_tau(costs[a], costs[b]) for a, b in itertools.combinations(costs, 2)
    }


def walk_autocorrelation(cost: np.ndarray) -> float:
    """Autocorrelation one step apart of random walks, (walks, steps) of lower-is-better values.

    For spaces too large to be scored whole. Ranks are those over all walks together.
    """
    rank = ranks(cost.ravel()).reshape(cost.shape)
    centred = rank - rank.mean()
    if not centred.any():
        return float("nan")
    return float((centred[:, 1:] * centred[:, :-1]).mean() / (centred**2).mean())


def _autocorrelation(rank: np.ndarray, around: np.ndarray) -> float:
    """Over all pairs of neighbours: what an endless random walk shows, exactly."""
    pairs = ~np.isnan(around)
    here, there = np.broadcast_to(rank[:, None], around.shape)[pairs], around[pairs]
    if len(here) < 2 or here.std() == 0:
        return float("nan")
    # Every pair is there in both directions, so both sides have the same mean and spread.
    return float(((here - here.mean()) * (there - here.mean())).mean() / here.var())


def _descend(rank: np.ndarray, around: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Where steepest descent from every architecture ends, (A,) indices."""
    here = np.arange(len(rank))
    if around.shape[1] == 0:
        return here
    filled = np.where(np.isnan(around), np.inf, around)
    column = filled.argmin(1)
    lowest = filled[here, column]
    step = np.where(
        lowest < np.where(np.isnan(rank), -np.inf, rank), neighbours[here, column], here
    )
    while not np.array_equal(step, step[step]):
        step = step[step]
    return step


def _distance_correlation(rank: np.ndarray, codes: np.ndarray, best: np.ndarray) -> float:
    known = ~np.isnan(rank)
    nearest = np.min([distances(codes[known], code) for code in codes[best]], axis=0)
    if nearest.std() == 0 or rank[known].std() == 0:
        return float("nan")
    return float(np.corrcoef(nearest, rank[known])[0, 1])
