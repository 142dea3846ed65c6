"""Search runs as read back from their directories."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tegnas.analysis.score_table import ScoreTable, joined, read_scores
from tegnas.errors import InputError
from tegnas.indicators import Indicator
from tegnas.refine.result import DIRECTORY as REFINED
from tegnas.refine.result import FILE, RefineResult
from tegnas.search import SearchResult
from tegnas.search.run_directory import RESULT
from tegnas.spaces import Space

# What two runs must share for their scores to be comparable.
_SHARED = ("space", "score", "images", "data")
# What a legend has room for, whatever a file gives as the name of its strategy.
_LABEL = 80


@dataclass(frozen=True, eq=False)
class Run:
    """A finished search: its directory's name, its result and every score it stored.

    ``refined``: what ``tegnas refine`` made of it, where that is in its directory.
    """

    name: str
    result: SearchResult
    scores: ScoreTable
    refined: RefineResult | None = None

    @property
    def exhaustive(self) -> bool:
        """Whether it went through the space in order, so that its course tells nothing."""
        return self.result.settings.get("strategy") == "exhaustive"

    @property
    def label(self) -> str:
        """Strategy and seed, for legends."""
        settings = self.result.settings
        label = f"{settings.get('strategy', self.name)}, seed {settings.get('seed', '?')}"
        return textwrap.shorten(label, _LABEL, placeholder="…")


def load_runs(
    paths: Sequence[str | Path],
    space: Space | None = None,
    indicators: Sequence[Indicator] = (),
) -> tuple[Run, ...]:
    """Read runs that were scored alike.

    Args:
        paths: the run directories.
        space: of the runs; needed where it is one from a file, see ``SearchResult.load``.
        indicators: those of the user's own that the runs were scored by.

    Raises:
        InputError: no run is given, one isn't a finished run, or two were scored differently.
    """
    if not paths:
        raise InputError("name one or more run directories")
    runs = []
    for path in map(Path, paths):
        if not (path / RESULT).is_file():
            raise InputError(f"{path} holds no {RESULT}; give the directory of a finished search")
        result = SearchResult.load(path / RESULT, space, indicators=indicators)
        scores = read_scores(path, space, indicators)
        refined = path / REFINED / FILE
        runs.append(
            Run(
                path.resolve().name,
                result,
                scores,
                RefineResult.load(refined, space) if refined.is_file() else None,
            )
        )
    first = runs[0]
    for run in runs[1:]:
        for name in _SHARED:
            mine, other = first.result.settings.get(name), run.result.settings.get(name)
            if mine != other:
                raise InputError(
                    f"{first.name} and {run.name} were scored differently ({name}); plot runs "
                    "of the same space, images and score settings together"
                )
    return tuple(runs)


def searches(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs whose course is worth drawing: those that aren't exhaustive, if there are any."""
    return tuple(run for run in runs if not run.exhaustive) or tuple(runs)


def all_scores(runs: Sequence[Run]) -> ScoreTable:
    """Every architecture scored in any of the runs, once."""
    largest = max(runs, key=lambda run: len(run.scores)).scores
    seen = set(largest.archs)
    tables = [largest]
    for run in runs:
        fresh = np.array(
            [i for i, arch in enumerate(run.scores.archs) if arch not in seen], dtype=np.int64
        )
        if len(fresh):
            seen.update(run.scores.archs[i] for i in fresh)
            tables.append(run.scores.select(fresh))
    return joined(tables)
