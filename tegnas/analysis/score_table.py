"""The scores of many architectures as arrays: what every analysis starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tegnas.errors import InputError
from tegnas.files import read_json
from tegnas.indicators.base import Indicator
from tegnas.scoring import Scores, ScoreSettings
from tegnas.scoring.average import averaged_rows
from tegnas.scoring.by_name import by_name
from tegnas.scoring.ranking import rank_score
from tegnas.search.run_directory import CONFIGURATION, SCORES
from tegnas.search.store import StoredScores, networks_held, read_store
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import Supernet
from tegnas.spaces.recorded import recorded_space
from tegnas.spaces.stored_name import name_of


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """The indicators of A architectures, averaged over the networks.

    ``table["linear_regions"]`` is one column, float64 (A,).

    Attributes:
        space: the space of the architectures.
        archs: the architectures, each once.
        settings: how they were scored.
        values: float64 (A, indicators), in the order of ``settings.indicators``; infinite for
            architectures that fail.
    """

    space: Space
    archs: tuple[Architecture, ...]
    settings: ScoreSettings
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.archs)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[:, self.settings.names.index(by_name(self.settings, name))]

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """The indicators of the columns."""
        return self.settings.indicators

    @property
    def failed(self) -> np.ndarray:
        """Architectures for which an indicator is infinite, (A,) bool: worst in everything."""
        return np.isinf(self.values).any(1)

    def costs(self) -> dict[str, np.ndarray]:
        """Each indicator as a cost, lower is better, by its label; float64 (A,)."""
        return {each.label: each.cost(self[each.name]) for each in self.indicators}

    def drawn(self) -> dict[str, np.ndarray]:
        """Each indicator as it is drawn, by its name; failures are NaN."""
        columns = {each.name: each.drawn(self[each.name]) for each in self.indicators}
        for values in columns.values():
            values[self.failed] = np.nan
        return columns

    @property
    def rank_score(self) -> np.ndarray:
        """All indicators combined within this table, (A,); lower is better."""
        return rank_score(self.indicators, list(self.values.T), self.settings.combination)

    def only(self, indicators: Sequence[Indicator]) -> ScoreTable:
        """The columns of some of the indicators; architectures that fail in any still fail."""
        columns = [self.settings.names.index(each.name) for each in indicators]
        values = self.values[:, columns].copy()
        values[self.failed] = [each.worst for each in indicators]
        settings = replace(self.settings, indicators=tuple(indicators), ridge=0.0)
        return ScoreTable(self.space, self.archs, settings, values)

    @classmethod
    def of(cls, space: Space, scores: Scores) -> ScoreTable:
        """The averages of some scores, without those that were given up early."""
        values = np.stack([scores[name].numpy() for name in scores.settings.names], axis=1)
        table = cls(space, tuple(scores.archs), scores.settings, values)
        return table.select(np.flatnonzero(~scores.stopped)) if scores.stopped.any() else table

    def select(self, indices: np.ndarray) -> ScoreTable:
        """The rows of the given indices."""
        archs = tuple(self.archs[index] for index in indices)
        return ScoreTable(self.space, archs, self.settings, self.values[indices])


def read_scores(
    run: str | Path, space: Space | None = None, indicators: Sequence[Indicator] = ()
) -> ScoreTable:
    """All scores of a run directory, in the order of the architectures' strings.

    Args:
        run: the directory.
        space: of the run; needed where it is one from a file, see ``SearchResult.load``.
        indicators: those of the user's own that the run was scored by.

    Raises:
        InputError: there is no store of scores, it can't be read, it holds scores of several
            configurations, which can't be compared, or its space names code.
    """
    path = Path(run) / SCORES
    if not path.is_file():
        raise InputError(f"{run} holds no {SCORES}; give a run directory of tegnas search")
    return table_of(read_store(path), run, space, indicators)


def table_of(
    stored: StoredScores,
    run: str | Path,
    space: Space | None = None,
    indicators: Sequence[Indicator] = (),
) -> ScoreTable:
    """What was read from the store of a run directory, as ``read_scores`` gives it.

    What a race gave up isn't among it: it has no score, but an estimate from fewer networks.
    """
    settings = ScoreSettings.from_json(stored.settings, indicators)
    # Of a space from a file the store knows name and fingerprint, the configuration the reference.
    name = name_of(stored.space)
    space = recorded_space(configuration(Path(run)).get("space", name), run, space)
    parsed = ((space.parse(text), networks) for text, networks in stored.networks.items())
    # Pruning also scores supernets, which are no architectures.
    kept = [
        (arch, networks)
        for arch, networks in parsed
        if not isinstance(arch, Supernet) and networks_held(settings, networks) == settings.repeats
    ]
    values = [
        averaged_rows([networks[name] for name in settings.names], settings.average)
        for _, networks in kept
    ]
    table = np.array(values, dtype=np.float64).reshape(-1, len(settings.names))
    return ScoreTable(space, tuple(arch for arch, _ in kept), settings, table)


def joined(tables: Sequence[ScoreTable]) -> ScoreTable:
    """The rows of several tables of one space and settings."""
    return ScoreTable(
        tables[0].space,
        tuple(arch for table in tables for arch in table.archs),
        tables[0].settings,
        np.concatenate([table.values for table in tables]),
    )


def configuration(run: Path) -> dict[str, Any]:
    """What the run was made with; nothing where that isn't written, as in a shared store."""
    path = run / CONFIGURATION
    return read_json(path, "the configuration of a run") if path.exists() else {}
