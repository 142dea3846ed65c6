"""The scores of a set of architectures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tegnas.scoring.average import averaged
from tegnas.scoring.blindness import blind_indicators
from tegnas.scoring.by_name import ByRole, by_name
from tegnas.scoring.ranking import positions, rank_score
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Scores(ByRole[Tensor]):
    """The indicators of A architectures, with the value of every network kept.

    ``scores["linear_regions"]`` is the average over the networks, float64 (A,).

    Attributes:
        archs: the architectures, in the order given.
        settings: how they were scored.
        networks: by name of the indicator, float64 (A, networks).
        notes: sentences on what the numbers of this space are.
    """

    archs: tuple[Architecture, ...]
    settings: ScoreSettings
    networks: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "networks", MappingProxyType(dict(self.networks)))

    def __len__(self) -> int:
        return len(self.archs)

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings.names)

    def __getitem__(self, name: str) -> Tensor:
        return self._averages[by_name(self.settings, name)]

    def __repr__(self) -> str:
        return f"Scores({len(self):,} architectures, {', '.join(self.settings.names)})"

    @cached_property
    def _averages(self) -> dict[str, Tensor]:
        average = self.settings.average
        return {
            name: torch.from_numpy(averaged(self.networks[name].numpy(), average))
            for name in self.settings.names
        }

    def rank_score(self) -> Tensor:
        """All indicators combined within this set, (A,) float64; lower is better."""
        columns = [self[name].numpy() for name in self.settings.names]
        return torch.from_numpy(
            rank_score(self.settings.indicators, columns, self.settings.combination)
        )

    def ranking(self) -> Tensor:
        """Position of each architecture by ``rank_score``, (A,) int64: 0 is best, ties share."""
        return torch.from_numpy(positions(self.rank_score().numpy()))

    def best(self, count: int = 1) -> list[Architecture]:
        """The best by ``rank_score``, best first; of those that tie the first given."""
        order = np.argsort(self.rank_score().numpy(), kind="stable")[:count]
        return [self.archs[index] for index in order]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The notes, and a sentence for every indicator in which more than half of the set ties."""
        columns = {name: self[name].numpy() for name in self.settings.names}
        return (*self.notes, *blind_indicators(self.settings, columns))

    def to_frame(self) -> pd.DataFrame:
        """A pandas table: architecture, each indicator, position (1 is best)."""
        import pandas as pd

        columns: dict[str, Any] = {"arch": [str(arch) for arch in self.archs]}
        columns |= {name: self[name].numpy() for name in self}
        return pd.DataFrame({**columns, "position": self.ranking().numpy() + 1})

    def _repr_html_(self) -> str:
        from tegnas.scoring.html import scores_html

        return scores_html(self)


def joined(parts: Sequence[Scores]) -> Scores:
    """Scores by one settings as one set."""
    first = parts[0]
    return Scores(
        tuple(arch for part in parts for arch in part.archs),
        first.settings,
        {name: torch.cat([part.networks[name] for part in parts]) for name in first.networks},
    )
