"""What ``bench/refine.py`` compares on: scored architectures of known accuracy, and searches.

The scores of NAS-Bench-201 are those of an exhaustive run, those of
other tables are made once and kept in a store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from saved_time import FLOPS, KnownSpace, history
from searches_contestants import contestants

import tegnas
from tegnas.analysis.benchmarking import Contestant, drawn, score_benchmark
from tegnas.benchmarks import AccuracyTable, load_benchmark
from tegnas.data import Batch
from tegnas.refine.scored import load_run
from tegnas.search.evaluation import distinct_architectures
from tegnas.search.store import read_store
from tegnas.spaces import Architecture, Space

EVALUATIONS = 300
COUNT, SEARCHED = 300, 200


@dataclass(frozen=True, eq=False)
class World:
    """Scored architectures of known accuracy.

    Attributes:
        name: of the benchmark.
        space, archs: the architectures.
        networks: of every indicator the value of each network, float64 (A, indicators, networks).
        settings: of the scores.
        observed, truth: accuracy of one training, and what a find is worth, float64 (A,).
        pools: by search and seed the indices of what was searched, in the order found.
        grows: whether neighbours can become candidates: the world holds all that the space has.
    """

    name: str
    space: Space
    archs: tuple[Architecture, ...]
    networks: np.ndarray
    settings: tegnas.ScoreSettings
    observed: np.ndarray
    truth: np.ndarray
    pools: tuple[tuple[np.ndarray, ...], ...]
    grows: bool


def nas_bench_201_world(
    run: Path,
    table: str,
    observed: str,
    truth: str,
    seeds: Sequence[int],
) -> World:
    """What the table knows, and searches in it."""
    space = tegnas.get_space("nas-bench-201")
    known = replace(tegnas.load_table(f"{table}#{FLOPS}"), column=truth)
    scored = {each.arch: each for each in load_run(run)}
    benchmark = load_benchmark(table)
    archs = benchmark.archs
    rows = {str(arch): known[str(arch)] for arch in archs}
    alone = KnownSpace(space, AccuracyTable(rows, known.columns, truth, known.source))
    places = {arch: index for index, arch in enumerate(archs)}
    pools = []
    for label in labels(space):
        found = [history(label, alone, scored.__getitem__, EVALUATIONS, seed) for seed in seeds]
        pools.append(
            tuple(np.array([places[e.arch] for e in distinct_architectures(f)]) for f in found)
        )
    settings = next(iter(scored.values())).settings
    return World(
        benchmark.name,
        space,
        archs,
        np.array([scored[arch].networks for arch in archs]),
        settings,
        np.array([rows[str(arch)][observed] for arch in archs], dtype=float),
        np.array([rows[str(arch)][truth] for arch in archs], dtype=float),
        tuple(pools),
        True,
    )


def labels(space: Space) -> list[str]:
    """The strategies, without pruning, which ends by itself and doesn't depend on the seed."""
    every = contestants(space, EVALUATIONS)
    return [each for each in every if ":budget" not in each and not each.startswith("prune")]


def table_world(text: str, batch: Batch, store: Path, seeds: Sequence[int]) -> World:
    """300 random architectures of a table, of which a seed draws 200 as what was searched.

    Args:
        text: ``FILE.csv#observed#truth``.
    """
    path, observed, truth = text.rsplit("#", 2)
    benchmark = load_benchmark(path)
    rows = drawn(benchmark, COUNT, 0)
    store.mkdir(parents=True, exist_ok=True)
    file = store / f"{benchmark.space.name}.sqlite"
    own = [Contestant("best", tegnas.ScoreSettings())]
    settings = score_benchmark(benchmark, rows, batch, own, file).tables["best"].settings
    stored = read_store(file)
    archs = [benchmark.archs[index] for index in rows]
    pools = tuple(np.random.default_rng(s).permutation(len(archs))[:SEARCHED] for s in seeds)
    return World(
        benchmark.name,
        benchmark.space,
        tuple(archs),
        np.array([[stored.networks[str(a)][name] for name in settings.names] for a in archs]),
        settings,
        np.asarray(benchmark.truth[observed])[rows],
        np.asarray(benchmark.truth[truth])[rows],
        (pools,),
        False,
    )
