"""The scores of a set of architectures."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from torch import Tensor

from tegnas.frames import frame
from tegnas.scoring.average import averaged
from tegnas.scoring.blindness import blind_indicators
from tegnas.scoring.by_name import ByRole, by_name
from tegnas.scoring.evaluation import Evaluation
from tegnas.scoring.ranking import behind, positions, rank_score
from tegnas.scoring.settings import ScoreSettings, of_small_networks
from tegnas.spaces import Architecture

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Scores(ByRole[Tensor]):
    """The indicators of A architectures, with the value of every network kept.

    ``scores["linear_regions"]`` is the average over the networks, float64 (A,); ``scores[0]`` is
    the first architecture with its indicators, as a loop over the scores gives one after the other;
    ``scores[:10]`` are the scores of the first ten.

    Attributes:
        archs: the architectures, in the order given.
        settings: how they were scored.
        networks: by name of the indicator, float64 (A, networks).
        notes: sentences on what the numbers of this space are.
        space: name of the space, where it is known.
        computed: where only the best were asked for, how many small networks each has, int64 (A,):
            those with fewer than all were given up, and come last in every ranking. Their values
            are averages over what they have, and the others in ``networks`` are NaN. None: all.
    """

    archs: tuple[Architecture, ...]
    settings: ScoreSettings
    networks: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()
    space: str = ""
    computed: Tensor | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "networks", MappingProxyType(dict(self.networks)))

    def __len__(self) -> int:
        return len(self.archs)

    def __iter__(self) -> Iterator[Evaluation]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, which: str) -> Tensor: ...

    @overload
    def __getitem__(self, which: int) -> Evaluation: ...

    @overload
    def __getitem__(self, which: slice) -> Scores: ...

    def __getitem__(self, which: str | int | slice) -> Tensor | Evaluation | Scores:
        if isinstance(which, str):
            return self._averages[by_name(self.settings, which)]
        if isinstance(which, slice):
            networks = {name: values[which] for name, values in self.networks.items()}
            computed = None if self.computed is None else self.computed[which]
            return replace(self, archs=self.archs[which], networks=networks, computed=computed)
        names, index = self.settings.names, operator.index(which)
        return Evaluation(
            self.archs[index],
            self.settings,
            tuple(self._averages[name][index].item() for name in names),
            networks=tuple(tuple(self.networks[name][index].tolist()) for name in names),
            stopped_after=int(self.counts[index]) if self.stopped[index] else None,
        )

    def __repr__(self) -> str:
        if not len(self):
            return f"Scores(no architectures, {', '.join(self.settings.names)})"
        best = self[int(self.rank_score().argmin())]
        count = "1 architecture" if len(self) == 1 else f"{len(self):,} architectures, best"
        return f"Scores({count} {best.arch}: {self.settings.shown(best.values)})"

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)} | {
            "networks": dict(self.networks)  # a read-only view can't be pickled
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    @cached_property
    def _averages(self) -> dict[str, Tensor]:
        settings, columns = self.settings, {}
        for each in settings.indicators:
            values = self.networks[each.name].numpy()
            if self.computed is None or not of_small_networks(each):
                columns[each.name] = averaged(values, settings.average)
                continue
            columns[each.name] = np.zeros(len(values))
            for count in np.unique(self.counts):
                rows = self.counts == count
                columns[each.name][rows] = averaged(values[rows, :count], settings.average)
        return {name: torch.from_numpy(column) for name, column in columns.items()}

    @property
    def counts(self) -> np.ndarray:
        """How many small networks of each were computed, int64 (A,)."""
        if self.computed is None:
            return np.full(len(self), self.settings.repeats, dtype=np.int64)
        return self.computed.numpy()

    @property
    def stopped(self) -> np.ndarray:
        """Which were given up before their last network, bool (A,)."""
        return self.counts < self.settings.repeats

    @property
    def raced(self) -> str:
        """What asking for the best alone saved, in one sentence; empty where all was computed."""
        if self.computed is None:
            return ""
        total = self.settings.repeats * len(self)
        return (
            f"{self.counts.sum():,} of {total:,} networks were computed: {self.stopped.sum():,} of "
            f"{len(self):,} architectures were given up early and rank behind all others"
        )

    def rank_score(self) -> Tensor:
        """All indicators combined within this set, (A,) float64; lower is better."""
        columns = [self[name].numpy() for name in self.settings.names]
        scores = rank_score(self.settings.indicators, columns, self.settings.combination)
        return torch.from_numpy(behind(scores, self.stopped))

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
        """A pandas table: architecture, each indicator, position (1 is best).

        Where only the best were asked for, also how many networks each has.

        Raises:
            InputError: pandas is missing.
        """
        columns: dict[str, Any] = {"arch": [str(arch) for arch in self.archs]}
        columns |= {name: self[name].numpy() for name in self.settings.names}
        if self.computed is not None:
            columns["networks"] = self.counts
        return frame({**columns, "position": self.ranking().numpy() + 1})

    def _repr_html_(self) -> str:
        from tegnas.analysis.notebook import evaluations_html

        order = np.argsort(self.rank_score().numpy(), kind="stable")
        places = self.ranking().numpy() + 1
        ranked = [self[int(index)] for index in order]
        notes = (*filter(None, [self.raced]), *self.warnings)
        return evaluations_html(ranked, places[order].tolist(), self.space, notes)


def joined(parts: Sequence[Scores]) -> Scores:
    """Scores by one settings as one set."""
    first = parts[0]
    return Scores(
        tuple(arch for part in parts for arch in part.archs),
        first.settings,
        {name: torch.cat([part.networks[name] for part in parts]) for name in first.networks},
        first.notes,
        first.space,
    )
