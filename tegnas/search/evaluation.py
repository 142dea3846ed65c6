"""One scored architecture, as strategies see it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tegnas.errors import InputError
from tegnas.scoring.by_name import ByRole, by_name
from tegnas.scoring.ranking import rank_score
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture
from tegnas.spaces.factorised import Supernet


@dataclass(frozen=True)
class Evaluation(ByRole[float]):
    """An architecture with its indicators: ``evaluation["linear_regions"]``.

    Attributes:
        arch: the architecture.
        settings: how it was scored.
        values: of ``settings.indicators``, in their order, averaged over the networks; NaN where
            one isn't defined for it, as the parameters of a supernet.
        accuracy: true accuracy in percent where a table knows it; searches never see it.
        networks: of every indicator the value of each network; a result that was saved has none.
    """

    arch: Architecture
    settings: ScoreSettings
    values: tuple[float, ...]
    accuracy: float | None = None
    networks: tuple[tuple[float, ...], ...] = field(default=(), compare=False, repr=False)

    def __getitem__(self, name: str) -> float:
        return self.values[self.settings.names.index(by_name(self.settings, name))]

    @property
    def by_name(self) -> Mapping[str, float]:
        """The values by name of the indicator."""
        return dict(zip(self.settings.names, self.values, strict=True))

    @property
    def failed(self) -> bool:
        """Whether one of its indicators is infinite: worst in everything."""
        return any(math.isinf(value) for value in self.values)


def columns_of(evaluations: Sequence[Evaluation]) -> list[np.ndarray]:
    """The values of each indicator over some evaluations by one settings, float64 (A,) each."""
    table = np.array([each.values for each in evaluations], dtype=np.float64)
    return list(table.reshape(len(evaluations), -1).T)


def rank_scores(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """All indicators combined within the set, (A,) float64, lower is better.

    See ``rank_score``; how they are combined is in the settings.
    """
    if not evaluations:
        return np.zeros(0)
    settings = evaluations[0].settings
    return rank_score(settings.indicators, columns_of(evaluations), settings.combination)


def distinct_architectures(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """One evaluation of each architecture, in the order of the first; supernets are left out."""
    return list(
        {each.arch: each for each in evaluations if not isinstance(each.arch, Supernet)}.values()
    )


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Lowest rank score among the distinct architectures; the first one found wins a tie.

    Raises ``InputError`` if there is no architecture among them.
    """
    distinct = distinct_architectures(evaluations)
    if not distinct:
        raise InputError("the search ended before it scored an architecture; raise the budget")
    return distinct[int(np.argmin(rank_scores(distinct)))]
