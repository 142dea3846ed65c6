"""Several strategies and seeds on one space: what each finds, and at what price."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.indicators.settings import ScoreSettings
from tegnas.search.driver import Progress, search
from tegnas.search.evaluation import distinct_architectures, rank_sums
from tegnas.search.result import SearchResult
from tegnas.search.run_directory import SCORES
from tegnas.search.strategies import make_strategy
from tegnas.spaces import Space

CSV, JSON = "comparison.csv", "comparison.json"


@dataclass(frozen=True)
class ComparisonRow:
    """One run.

    Attributes:
        strategy, seed: which.
        arch, kappa, regions, mse: what it found.
        outranks: share of all architectures that any run scored with a higher rank-sum than this
            one, in [0, 1], higher is better: the rank score that runs can be compared by.
        evaluations, distinct: how many it asked for, and how many different ones.
        seconds: that its scores took, also those that another run had computed.
        accuracy: true accuracy in percent, None where no table knows it.
    """

    strategy: str
    seed: int
    arch: str
    kappa: float
    regions: float
    mse: float
    outranks: float
    evaluations: int
    distinct: int
    seconds: float
    accuracy: float | None


@dataclass(frozen=True)
class StrategySummary:
    """Means over the seeds of a strategy; ``known`` finds of ``runs`` have an accuracy."""

    strategy: str
    runs: int
    outranks: float
    evaluations: float
    seconds: float
    accuracy: float | None
    accuracy_spread: float | None
    known: int


def compare(
    space: Space,
    batch: Batch,
    strategies: Sequence[str],
    seeds: Sequence[int],
    budget: int | None = None,
    *,
    out: str | Path,
    settings: ScoreSettings | None = None,
    accuracy: Callable[[str], float | None] | None = None,
    progress: Callable[[str, int, Progress], None] | None = None,
    **search_options: Any,
) -> tuple[ComparisonRow, ...]:
    """Run every strategy with every seed, each in its own directory of ``out``.

    The seeds are those of the strategies: images and networks are the same for all, so that every
    architecture has one score, which all runs share, and runs can be compared. Goes on from where
    it was stopped, and takes in more strategies and seeds later. Writes ``comparison.csv`` and
    ``comparison.json``.

    Args:
        budget: evaluations of each run, by default each strategy's own.
        settings: how to score; by default ``ScoreSettings()``.
        progress: called with strategy, seed and how far this run is.
        search_options: as of ``search``.

    Raises:
        InputError: nothing to run, or whatever ``search`` says of one of the runs.
    """
    if not strategies or not seeds:
        raise InputError("a comparison needs at least one strategy and one seed")
    for strategy in strategies:
        make_strategy(strategy, space, 0)  # a wrong name is said before the first run
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} can't be used for a comparison: {error.strerror}") from None
    results: dict[tuple[str, int], SearchResult] = {}
    for strategy in strategies:
        for seed in seeds:
            report = None
            if progress is not None:

                def report(state: Progress, strategy: str = strategy, seed: int = seed) -> None:
                    progress(strategy, seed, state)

            results[strategy, seed] = search(
                space,
                batch,
                strategy,
                budget,
                seed,
                out=out / f"{strategy}-seed{seed}",
                shared=out / SCORES,
                settings=settings or ScoreSettings(),
                accuracy=accuracy,
                progress=report,
                **search_options,
            )
    rows = _rows(results)
    _write(out, rows)
    return rows


def summarise(rows: Sequence[ComparisonRow]) -> tuple[StrategySummary, ...]:
    """One line per strategy, in the order of the rows."""
    summaries = []
    for strategy in dict.fromkeys(row.strategy for row in rows):
        own = [row for row in rows if row.strategy == strategy]
        known = [row.accuracy for row in own if row.accuracy is not None]
        summaries.append(
            StrategySummary(
                strategy,
                len(own),
                float(np.mean([row.outranks for row in own])),
                float(np.mean([row.evaluations for row in own])),
                float(np.mean([row.seconds for row in own])),
                float(np.mean(known)) if known else None,
                float(np.std(known)) if known else None,
                len(known),
            )
        )
    return tuple(summaries)


def _rows(results: dict[tuple[str, int], SearchResult]) -> tuple[ComparisonRow, ...]:
    union = distinct_architectures([each for run in results.values() for each in run.history])
    ranks = rank_sums(union)
    position = {each.arch: index for index, each in enumerate(union)}
    rows = []
    for (strategy, seed), result in results.items():
        best = result.best
        rows.append(
            ComparisonRow(
                strategy,
                seed,
                str(best.arch),
                best.kappa,
                best.regions,
                best.mse,
                float(np.mean(ranks > ranks[position[best.arch]])),
                len(result.history),
                len({each.arch for each in result.history}),
                result.seconds,
                best.accuracy,
            )
        )
    return tuple(rows)


def _write(out: Path, rows: Sequence[ComparisonRow]) -> None:
    with (out / CSV).open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(ComparisonRow.__annotations__))
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)
    content = {
        "strategies": [vars(each) for each in summarise(rows)],
        "runs": [_finite(vars(row)) for row in rows],
    }
    (out / JSON).write_text(json.dumps(content, indent=1) + "\n")


def _finite(values: dict[str, object]) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in values.items()
    }
