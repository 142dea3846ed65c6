"""One scored architecture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tegnas.scoring.by_name import ByRole, by_name
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture


@dataclass(frozen=True, repr=False)
class Evaluation(ByRole[float]):
    """An architecture with its indicators: ``evaluation["linear_regions"]``.

    Attributes:
        arch: the architecture.
        settings: how it was scored.
        values: of ``settings.indicators``, in their order, averaged over the networks; NaN where
            one isn't defined for it, as the parameters of a supernet.
        accuracy: true accuracy in percent where a table knows it; searches never see it.
        networks: of every indicator the value of each network; a result that was saved has none.
        stopped_after: networks after which a race gave it up, whose average the values are; None
            for a full score.
    """

    arch: Architecture
    settings: ScoreSettings
    values: tuple[float, ...]
    accuracy: float | None = None
    networks: tuple[tuple[float, ...], ...] = field(default=(), compare=False, repr=False)
    stopped_after: int | None = None

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

    def __repr__(self) -> str:
        stopped = "" if self.stopped_after is None else f", stopped after {self.stopped_after}"
        return f"Evaluation({self.arch}: {self.settings.shown(self.values)}{stopped})"
