"""The best trades between rank score and cost among what a search has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation, distinct_architectures, rank_scores


@dataclass(frozen=True)
class ParetoPoint:
    """One architecture of the front: its rank score in the whole history and its cost."""

    evaluation: Evaluation
    rank_score: float
    cost: float


@dataclass(frozen=True)
class ParetoFront:
    """Architectures that no other beats in both rank score and cost, cheapest first.

    Attributes:
        objective: the cost, ``params``, ``flops`` or ``latency``.
        points: the front.
        hypervolume: of the front, in [0, 1], larger is better: both objectives are scaled to
            [0, 1] between the smallest and the largest of the history, and the reference point is
            the worst of both. Comparable only between fronts of one history.
    """

    objective: str
    points: tuple[ParetoPoint, ...]
    hypervolume: float


def pareto_front(
    history: Sequence[Evaluation], objective: str, cost: Callable[[Evaluation], float]
) -> ParetoFront:
    """The front of (rank score, cost) among the distinct architectures of a history.

    One that failed, for which an indicator is infinite, is no trade, however cheap: the front is of
    the others, where there are any.

    Dominance and hypervolume are those of ``moocore`` (the extra ``tegnas[pareto]``).

    Raises ``InputError`` if moocore isn't installed.
    """
    moocore = import_moocore()
    distinct = [each for each in distinct_architectures(history) if each.stopped_after is None]
    scores = rank_scores(distinct)
    failed = np.array([np.isinf(each.values).any() for each in distinct])
    kept = np.flatnonzero(~failed | failed.all())
    distinct = [distinct[index] for index in kept]
    points = np.stack([scores[kept], [cost(each) for each in distinct]], axis=1)
    best = np.flatnonzero(moocore.is_nondominated(points))
    low, high = points.min(0), points.max(0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    order = best[np.lexsort((points[best, 0], points[best, 1]))]
    return ParetoFront(
        objective,
        tuple(ParetoPoint(distinct[index], *points[index].tolist()) for index in order),
        float(moocore.hypervolume(scaled[best], ref=[1.0, 1.0])),
    )


def import_moocore() -> Any:
    """The package; ``InputError`` if it is missing."""
    try:
        import moocore
    except ImportError:
        raise InputError(
            "a Pareto front needs the package moocore; install it with: "
            "pip install 'tegnas[pareto]'"
        ) from None
    return moocore
