"""Several strategies and seeds on one space: what each finds, and at what price."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tegnas.data import BatchLike, as_batch
from tegnas.errors import InputError
from tegnas.files import write_atomically
from tegnas.scoring.presets import as_settings
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.contestant import Contestant
from tegnas.search.driver import Progress, check_budget, search
from tegnas.search.evaluation import Evaluation, distinct_architectures, rank_scores
from tegnas.search.result import SearchResult
from tegnas.search.run_directory import SCORES, make_directory
from tegnas.search.strategies import make_strategy
from tegnas.spaces import Space, as_space

Accuracy = Callable[[str], float | None]
"""True accuracy of an architecture string, None where it isn't known."""

CSV, JSON = "comparison.csv", "comparison.json"


@dataclass(frozen=True)
class ComparisonRow:
    """One run.

    Attributes:
        strategy, seed: which; the strategy with its options, as it was asked for.
        arch: what it found.
        indicators: its values by name.
        outranks: share of all architectures that any run scored with a worse rank score than this
            one, in [0, 1], higher is better: what runs can be compared by.
        evaluations, distinct: how many it asked for, and how many different ones.
        seconds: that its scores took, also those that another run had computed.
        accuracy: true accuracy in percent, None where no table knows it.
        best_known: true accuracy of the best by rank score among those of the run that the table
            knows, None where it knows none. Where a table lacks architectures at random, this is
            what the search would have found among those it has.
    """

    strategy: str
    seed: int
    arch: str
    indicators: Mapping[str, float]
    outranks: float
    evaluations: int
    distinct: int
    seconds: float
    accuracy: float | None
    best_known: float | None


@dataclass(frozen=True)
class StrategySummary:
    """Means and spreads over the seeds of a strategy; ``known`` of ``runs`` finds have an accuracy.

    The means of accuracies are those of the runs that have one, None where none has.
    """

    strategy: str
    runs: int
    outranks: float
    outranks_spread: float
    evaluations: float
    seconds: float
    seconds_spread: float
    accuracy: float | None
    accuracy_spread: float | None
    known: int
    best_known: float | None
    best_known_spread: float | None


def compare(
    space: Space | str,
    batch: BatchLike,
    strategies: Sequence[str] | str,
    seeds: Sequence[int],
    budget: int | None = None,
    *,
    out: str | Path,
    settings: ScoreSettings | str | None = None,
    accuracy: Accuracy | None = None,
    progress: Callable[[str, int, Progress], None] | None = None,
    **search_options: Any,
) -> tuple[ComparisonRow, ...]:
    """Run every strategy with every seed, each in its own directory of ``out``.

    A strategy is a name, or ``NAME:OPTION=VALUE:…`` with options of its own, of which ``budget`` is
    one: ``random:budget=55``, ``evolution:population=50:tournament=10``.

    The seeds are those of the strategies: images and networks are the same for all, so that every
    architecture has one score, which all runs share, and runs can be compared. Goes on from where
    it was stopped, and takes in more strategies and seeds later. Writes ``comparison.csv`` and
    ``comparison.json``.

    Args:
        space, batch: as of ``search``.
        strategies: one, or several.
        budget: evaluations of each run that doesn't say its own, by default the strategy's.
        settings: how to score, or the name of a preset; by default ``"best"``.
        progress: called with strategy, seed and how far this run is.
        search_options: as of ``search``.

    Raises:
        InputError: nothing to run, or whatever ``search`` says of one of the runs.
    """
    texts = [strategies] if isinstance(strategies, str) else list(strategies)
    if not texts or not seeds:
        raise InputError("a comparison needs at least one strategy and one seed")
    space, settings = as_space(space), as_settings(settings)
    batch = as_batch(batch, train=settings.train, val=settings.val, seed=settings.seed)
    contestants = [Contestant.parse(text) for text in dict.fromkeys(texts)]
    for each in contestants:  # what is wrong is said before the first run
        strategy = make_strategy(each.strategy, space, 0, **each.options)
        check_budget(budget if each.budget is None else each.budget, strategy)
    out = Path(out)
    make_directory(out)
    results: dict[tuple[str, int], SearchResult] = {}
    for each in contestants:
        for seed in seeds:
            report = None
            if progress is not None:

                def report(state: Progress, label: str = each.label, seed: int = seed) -> None:
                    progress(label, seed, state)

            results[each.label, seed] = search(
                space,
                batch,
                each.strategy,
                budget if each.budget is None else each.budget,
                seed,
                out=out / each.directory(seed),
                shared=out / SCORES,
                settings=settings,
                options=each.options,
                accuracy=accuracy,
                progress=report,
                **search_options,
            )
    rows = _rows(results, accuracy)
    _write(out, rows)
    return rows


def summarise(rows: Sequence[ComparisonRow]) -> tuple[StrategySummary, ...]:
    """One line per strategy, in the order of the rows."""
    summaries = []
    for strategy in dict.fromkeys(row.strategy for row in rows):
        own = [row for row in rows if row.strategy == strategy]
        accuracies = [row.accuracy for row in own if row.accuracy is not None]
        best_known = [row.best_known for row in own if row.best_known is not None]
        outranks, seconds = (
            [getattr(row, name) for row in own] for name in ("outranks", "seconds")
        )
        summaries.append(
            StrategySummary(
                strategy,
                len(own),
                float(np.mean(outranks)),
                float(np.std(outranks)),
                float(np.mean([row.evaluations for row in own])),
                float(np.mean(seconds)),
                float(np.std(seconds)),
                *_mean_and_spread(accuracies),
                len(accuracies),
                *_mean_and_spread(best_known),
            )
        )
    return tuple(summaries)


def _mean_and_spread(values: Sequence[float]) -> tuple[float | None, float | None]:
    return (float(np.mean(values)), float(np.std(values))) if values else (None, None)


def _rows(
    results: dict[tuple[str, int], SearchResult], accuracy: Accuracy | None
) -> tuple[ComparisonRow, ...]:
    union = distinct_architectures([each for run in results.values() for each in run.history])
    ranks = rank_scores(union)
    position = {each.arch: index for index, each in enumerate(union)}
    rows = []
    for (strategy, seed), result in results.items():
        best = result.best
        rows.append(
            ComparisonRow(
                strategy,
                seed,
                str(best.arch),
                best.by_name,
                float(np.mean(ranks > ranks[position[best.arch]])),
                len(result.history),
                len({each.arch for each in result.history}),
                result.seconds,
                best.accuracy,
                None if accuracy is None else _best_known(result.history, accuracy),
            )
        )
    return tuple(rows)


def _best_known(history: Sequence[Evaluation], accuracy: Accuracy) -> float | None:
    distinct = distinct_architectures(history)
    by_rank = (
        str(distinct[index].arch) for index in np.argsort(rank_scores(distinct), kind="stable")
    )
    return next((value for arch in by_rank if (value := accuracy(arch)) is not None), None)


def flat(row: ComparisonRow) -> dict[str, object]:
    """A row with one field per indicator."""
    values = dict(vars(row))
    indicators = values.pop("indicators")
    place = list(values).index("arch") + 1
    items = list(values.items())
    return dict([*items[:place], *indicators.items(), *items[place:]])


def _write(out: Path, rows: Sequence[ComparisonRow]) -> None:
    table = [flat(row) for row in rows]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    write_atomically(out / CSV, text.getvalue())
    content = {
        "strategies": [vars(each) for each in summarise(rows)],
        "runs": [_finite(row) for row in table],
    }
    write_atomically(out / JSON, json.dumps(content, indent=1) + "\n")


def _finite(values: Mapping[str, object]) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in values.items()
    }
