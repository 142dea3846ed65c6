"""Search runs as read back from their directories."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tegnas.analysis.score_table import ScoreTable, joined, read_scores
from tegnas.errors import InputError
from tegnas.indicators import Indicator
from tegnas.refine.result import DIRECTORY as REFINED
from tegnas.refine.result import FILE, RefineResult
from tegnas.search import SearchResult
from tegnas.search.changes import changes_between
from tegnas.search.compare import JSON as COMPARISON
from tegnas.search.evaluation import distinct_architectures
from tegnas.search.run_directory import CONFIGURATION, RESULT, check_is_search
from tegnas.spaces import Space, as_space

# What two runs must share for their scores to be comparable.
_SHARED = ("space", "score", "images", "data")
# What a legend has room for, whatever a file gives as the name of its strategy.
_LABEL = 80


@dataclass(frozen=True, eq=False)
class Run:
    """A search: its directory's name, its result (so far) and every score it stored.

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
    space: Space | str | None = None,
    indicators: Sequence[Indicator] = (),
) -> tuple[Run, ...]:
    """Read runs that were scored alike.

    Of a search that is running or was stopped, what it has scored so far.

    Args:
        paths: the run directories; one of ``tegnas compare`` stands for the runs in it.
        space: of the runs; needed where it is one from a file, see ``SearchResult.load``.
        indicators: those of the user's own that the runs were scored by.

    Raises:
        InputError: no run is given, one isn't a run or has no scores yet, or two were scored
            differently.
    """
    space = None if space is None else as_space(space)
    if not paths:
        raise InputError("name one or more run directories")
    runs = [read_run(path, space, indicators) for path in run_directories(paths)]
    check_alike(runs)
    return tuple(runs)


def run_directories(paths: Sequence[str | Path]) -> list[Path]:
    """The directories, with those of all its runs in place of one of ``tegnas compare``."""
    found: list[Path] = []
    for path in map(Path, paths):
        compared = (path / COMPARISON).is_file() and not (path / CONFIGURATION).is_file()
        found += (
            sorted(each.parent for each in path.glob(f"*/{CONFIGURATION}")) if compared else [path]
        )
    return found


def read_run(path: Path, space: Space | None = None, indicators: Sequence[Indicator] = ()) -> Run:
    """One run, see ``load_runs``."""
    from tegnas.analysis.unfinished import is_unfinished, read_unfinished

    check_is_search(path)
    unfinished = (path / CONFIGURATION).is_file() and is_unfinished(path)
    if (path / RESULT).exists():
        result = SearchResult.load(path / RESULT, space, indicators=indicators)
        scores = read_scores(path, space, indicators)
        # A copy of a finished run may have got later times.
        if not unfinished or len(scores) <= len(distinct_architectures(result.history)):
            refined = path / REFINED / FILE
            return Run(
                path.resolve().name,
                result,
                scores,
                RefineResult.load(refined, space) if refined.is_file() else None,
            )
    run = read_unfinished(path, space, indicators)
    note = f"The search {run.name} hasn't ended: this is what it has scored so far"
    return replace(run, result=replace(run.result, warnings=(note,)))


def check_alike(runs: Sequence[Run]) -> None:
    """Raise ``InputError`` if two runs were scored differently, so that they can't be compared."""
    for run in runs[1:]:
        mine, other = (
            {name: each.result.settings.get(name) for name in _SHARED} for each in (runs[0], run)
        )
        if mine != other:
            raise InputError(
                f"{runs[0].name} and {run.name} were scored differently "
                f"({changes_between(mine, other)}); give runs of one space, images and score "
                "settings, the seed of the networks included (tegnas compare makes such runs)"
            )


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
