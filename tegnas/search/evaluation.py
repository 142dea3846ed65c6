"""One scored architecture, as strategies see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tegnas.errors import InputError
from tegnas.scoring.ranking import RANK_SUM, rank_sum
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import Supernet
from tegnas.spaces.sizes import full_parameters


@dataclass(frozen=True)
class Evaluation:
    """An architecture with its three indicators (means over the repeats).

    ``accuracy`` is the true accuracy in percent where a table knows it; searches never see it.
    ``parameters`` are those of the full network where they take part in the ranking, and
    ``combination`` is how that combines the indicators, as in ``ScoreSettings``. ``networks`` are
    κ, R and MSE of each network; a result that was saved has none.
    """

    arch: Architecture
    kappa: float
    regions: float
    mse: float
    accuracy: float | None = None
    parameters: float | None = None
    combination: str = RANK_SUM
    networks: tuple[tuple[float, float, float], ...] = field(default=(), compare=False, repr=False)


def completed(
    evaluations: Sequence[Evaluation], space: Space, settings: ScoreSettings
) -> list[Evaluation]:
    """The same evaluations with all that their ranking needs by these settings."""
    return [
        replace(
            each,
            parameters=full_parameters(space, each.arch) if settings.parameters else None,
            combination=settings.combination,
        )
        for each in evaluations
    ]


def rank_sums(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """Rank-sum of each evaluation within the set, (A,) float64, lower is better.

    By the combination ``log-rank`` it is the sum of logarithms of ranks. Parameters take part where
    all of the set have them.
    """
    columns = np.array(
        [(each.kappa, each.regions, each.mse) for each in evaluations], dtype=np.float64
    ).reshape(-1, 3)
    sizes = [each.parameters for each in evaluations]
    parameters = None if None in sizes else np.array(sizes, dtype=np.float64)
    combination = evaluations[0].combination if evaluations else RANK_SUM
    kappa, regions, mse = columns.T
    return rank_sum(kappa, regions, mse, parameters, combination)


def distinct_architectures(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """One evaluation of each architecture, in the order of the first; supernets are left out."""
    return list(
        {each.arch: each for each in evaluations if not isinstance(each.arch, Supernet)}.values()
    )


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Lowest rank-sum among the distinct architectures; the first one found wins a tie.

    Raises ``InputError`` if there is no architecture among them.
    """
    distinct = distinct_architectures(evaluations)
    if not distinct:
        raise InputError("the search ended before it scored an architecture; raise the budget")
    return distinct[int(np.argmin(rank_sums(distinct)))]
