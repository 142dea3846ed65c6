"""Scores of a benchmark's architectures, kept in a store as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tegnas.analysis.benchmarking.contestants import Contestant
from tegnas.analysis.comparison import one_per_class
from tegnas.analysis.score_table import ScoreTable
from tegnas.benchmarks import Benchmark
from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.scoring.prepare import prepared
from tegnas.scoring.seeds import usable_seeds
from tegnas.scoring.shrink import small_batch
from tegnas.search.evaluator import Evaluator
from tegnas.search.executors import make_executor
from tegnas.search.store import ScoreStore
from tegnas.spaces import Architecture
from tegnas.spaces.stored_name import stored_name


@dataclass(frozen=True, eq=False)
class ScoredBenchmark:
    """The same architectures of one benchmark by every contestant.

    Attributes:
        benchmark: whose ``truth`` and ``facts`` the tables are compared with.
        rows: which of the benchmark's architectures were scored, (A,) of their indices.
        tables: scores by name of the contestant, in the order of ``rows``; of one that combines
            others the scores of its parts side by side.
        combined: which of the tables are such combinations.
        milliseconds: per architecture, by name of the contestant.
        notes: what the scores don't tell, by name of the contestant.
    """

    benchmark: Benchmark
    rows: np.ndarray
    tables: Mapping[str, ScoreTable]
    combined: frozenset[str]
    milliseconds: Mapping[str, float]
    notes: Mapping[str, str]


def drawn(benchmark: Benchmark, count: int | None, seed: int) -> np.ndarray:
    """Indices of ``count`` random architectures, one of each class of isomorphism; None: all.

    All of them as well where the benchmark has no more. Those whose quality isn't known in any
    column are left out.

    Raises:
        InputError: fewer than two are left.
    """
    known = ~np.isnan(np.stack(list(benchmark.truth.values()))).all(0)
    places: dict[Architecture, int] = {}
    for index in np.flatnonzero(known):
        places.setdefault(benchmark.archs[index], int(index))
    everyone = one_per_class(benchmark.space, list(places), None, seed)
    if len(everyone) < 2:
        raise InputError(f"{benchmark.source} holds fewer than two architectures of known quality")
    if count is not None and count < len(everyone):
        everyone = one_per_class(benchmark.space, everyone, count, seed)
    return np.sort([places[arch] for arch in everyone])


def score_benchmark(
    benchmark: Benchmark,
    rows: np.ndarray,
    batch: Batch,
    contestants: Sequence[Contestant],
    store: Path | None,
    progress: Callable[[str, int, int], None] = lambda name, done, count: None,
) -> ScoredBenchmark:
    """Scores of some of the architectures by every contestant.

    Args:
        rows: indices of the architectures, see ``drawn``.
        batch: the images.
        store: file of scores; what it knows isn't computed again. None keeps nothing.
        progress: called with the contestant's name, how many architectures are known, and of how
            many.
    """
    archs = [benchmark.archs[index] for index in rows]
    tables: dict[str, ScoreTable] = {}
    milliseconds: dict[str, float] = {}
    notes: dict[str, str] = {}
    for each in contestants:
        if each.parts:
            continue
        fitting = prepared(benchmark.space, batch, each.settings)
        batch, settings = fitting.batch, fitting.settings
        seeds = usable_seeds(
            benchmark.space, small_batch(benchmark.space, batch, settings), settings
        )
        if seeds.note:
            notes[each.name] = seeds.note

        def show(done: int, computed: int, name: str = each.name) -> None:
            progress(name, done, len(archs))

        show(0, 0)
        kept = ScoreStore(
            store,
            space=stored_name(benchmark.space, settings.small_networks),
            settings=settings,
            data=batch.fingerprint(),
        )
        executor = make_executor("in-process", benchmark.space, batch, settings, seeds.seeds)
        with closing(kept), closing(executor):
            evaluations = Evaluator(kept, executor)(archs, show)
            milliseconds[each.name] = 1e3 * kept.mean_seconds()
        values = np.array([each.values for each in evaluations], dtype=np.float64)
        tables[each.name] = ScoreTable(benchmark.space, tuple(archs), settings, values)
    for each in contestants:
        if each.parts:
            tables[each.name] = _together(each, [tables[part] for part in each.parts])
            milliseconds[each.name] = sum(milliseconds[part] for part in each.parts)
    combined = frozenset(each.name for each in contestants if each.parts)
    return ScoredBenchmark(benchmark, rows, tables, combined, milliseconds, notes)


def _together(contestant: Contestant, parts: Sequence[ScoreTable]) -> ScoreTable:
    """The columns of some tables side by side, by the weights that they have together."""
    weights = {each.name: each.weight for each in contestant.settings.indicators}
    columns = {each.name: (each, part[each.name]) for part in parts for each in part.indicators}
    indicators = [
        each.weighing(weights.get(name, each.weight)) for name, (each, _) in columns.items()
    ]
    settings = replace(parts[0].settings, indicators=tuple(indicators))
    values = np.stack([column for _, column in columns.values()], axis=1)
    return ScoreTable(parts[0].space, parts[0].archs, settings, values)
