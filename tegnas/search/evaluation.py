"""One scored architecture, as strategies see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.errors import InputError
from tegnas.indicators.ranking import rank_sum
from tegnas.spaces import Architecture
from tegnas.spaces.factorised import Supernet


@dataclass(frozen=True)
class Evaluation:
    """An architecture with its three indicators (means over the repeats).

    ``accuracy`` is the true accuracy in percent where a table knows it; searches never see it.
    """

    arch: Architecture
    kappa: float
    regions: float
    mse: float
    accuracy: float | None = None


def rank_sums(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """Rank-sum of each evaluation within the set, (A,) float64, lower is better."""
    columns = np.array(
        [(each.kappa, each.regions, each.mse) for each in evaluations], dtype=np.float64
    ).reshape(-1, 3)
    return rank_sum(*columns.T)


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
