"""What ``bench/refine_study.py`` judges on: scored architectures of known accuracy, and searches.

A world is one half of a table. The scores of NAS-Bench-201 are those of an exhaustive run, those of
other tables are made once and kept in a store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from saved_time import FLOPS, KnownSpace, history
from searches_contestants import contestants

import tegnas
from tegnas.analysis.benchmarking import Contestant, drawn, score_benchmark
from tegnas.analysis.encoding import one_hot
from tegnas.benchmarks import AccuracyTable, Benchmark, load_benchmark
from tegnas.data import Batch
from tegnas.refine.scored import load_run
from tegnas.scoring.average import averaged
from tegnas.search.evaluation import distinct_architectures
from tegnas.search.store import read_store
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import CodedSpace
from tegnas.spaces.isomorphism import LivePartSpace
from tegnas.spaces.sizes import full_parameters

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

    @cached_property
    def places(self) -> dict[Architecture, int]:
        """Index by architecture."""
        return {arch: index for index, arch in enumerate(self.archs)}

    @cached_property
    def costs_each(self) -> np.ndarray:
        """Of every indicator and network, lower is better, float64 (indicators, A, networks)."""
        indicators = enumerate(self.settings.indicators)
        return np.stack([each.cost(self.networks[:, i]) for i, each in indicators])

    @cached_property
    def costs(self) -> np.ndarray:
        """Of every indicator, averaged over networks, float64 (indicators, A)."""
        indicators = enumerate(self.settings.indicators)
        average = self.settings.average
        return np.stack(
            [each.cost(averaged(self.networks[:, i], average)) for i, each in indicators]
        )

    @cached_property
    def parameters(self) -> np.ndarray:
        """Of the benchmark's own network, float64 (A,)."""
        return np.array([full_parameters(self.space, arch) for arch in self.archs], dtype=float)

    @cached_property
    def structure(self) -> np.ndarray:
        """One-hot of the choices, float64 (A, options); no columns where there are none."""
        return self._one_hot(self.archs)

    @cached_property
    def live(self) -> tuple[Architecture, ...]:
        """The live part of every architecture."""
        if not isinstance(self.space, LivePartSpace):
            return self.archs
        return tuple(self.space.live(arch) for arch in self.archs)

    @cached_property
    def live_structure(self) -> np.ndarray:
        """As ``structure``, of the live parts."""
        return self._one_hot(self.live)

    @cached_property
    def classes(self) -> tuple[object, ...]:
        """The class of isomorphism of every architecture."""
        return tuple(self.space.canonical(arch) for arch in self.archs)

    def neighbours(self, index: int) -> list[int]:
        """Those of an architecture that the world holds."""
        near = (self.places.get(arch) for arch in self.space.neighbours(self.archs[index]))
        return [each for each in near if each is not None]

    def regret(self, truth: float) -> float:
        """How far a find is from the best, in % of how far the median is."""
        best = self.truth.max()
        return float(100 * (best - truth) / (best - np.median(self.truth)))

    def _one_hot(self, archs: Sequence[Architecture]) -> np.ndarray:
        if not isinstance(self.space, CodedSpace):
            return np.zeros((len(archs), 0))
        return one_hot(self.space, archs)


def nas_bench_201_world(
    run: Path,
    table: str,
    observed: str,
    truth: str,
    seeds: Sequence[int],
    half: int | None = None,
) -> World:
    """What the table knows, or a half of that, and searches in it.

    Classes of isomorphism are dealt at random to the halves, as the first look did.
    """
    space = tegnas.get_space("nas-bench-201")
    known = replace(tegnas.load_table(f"{table}#{FLOPS}"), column=truth)
    scored = {each.arch: each for each in load_run(run)}
    benchmark = load_benchmark(table)
    archs = list(benchmark.archs)
    if half is not None:
        classes = [space.canonical(arch) for arch in archs]
        distinct = list(dict.fromkeys(classes))
        order = np.random.default_rng(0).permutation(len(distinct))
        first = {distinct[index] for index in order[: len(distinct) // 2]}
        archs = [a for a, c in zip(archs, classes, strict=True) if (c in first) == (half == 0)]
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
        tuple(archs),
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


def table_world(text: str, batch: Batch, store: Path, seeds: Sequence[int], half: int = 0) -> World:
    """300 random architectures of a table, of which a seed draws 200 as what was searched.

    Args:
        text: ``FILE.csv#observed#truth``.
        half: 0 for those that the first look drew, 1 for as many of the others.
    """
    path, observed, truth = text.rsplit("#", 2)
    benchmark = load_benchmark(path)
    rows = drawn(benchmark, COUNT, 0)
    if half == 1:
        rows = _others(benchmark, rows)
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


def _others(benchmark: Benchmark, rows: np.ndarray) -> np.ndarray:
    space = benchmark.space
    seen = {space.canonical(benchmark.archs[index]) for index in rows}
    left = [i for i, arch in enumerate(benchmark.archs) if space.canonical(arch) not in seen]
    rest = replace(
        benchmark,
        archs=tuple(benchmark.archs[i] for i in left),
        truth={name: np.asarray(values)[left] for name, values in benchmark.truth.items()},
        facts={name: np.asarray(values)[left] for name, values in benchmark.facts.items()},
    )
    return np.array(left)[drawn(rest, COUNT, 1)]
