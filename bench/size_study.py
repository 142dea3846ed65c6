"""The fifth study: sizes of small networks, judged over the tables of all benchmarks.

    python bench/size_study.py score --tables DIR --images FILE.npz --out OUT
    python bench/size_study.py choose --tables DIR --images FILE.npz --out OUT
    python bench/size_study.py confirm --tables DIR --images FILE.npz --out OUT

The protocol is docs/studies/ranking-fifth.md. ``score`` computes every candidate on every table by
both draws, ``choose`` prints the table of the choice (and computes what isn't there yet),
``confirm`` what was chosen beside what was ``best`` before, on other architectures, images and
networks. Each goes on where it stopped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import tegnas
from tegnas.analysis.benchmarking import drawn
from tegnas.analysis.correlation import tau_and_rho
from tegnas.benchmarks import Benchmark, load_benchmark
from tegnas.data import Batch
from tegnas.indicators.base import Indicator
from tegnas.indicators.leave_one_out_error import LEAVE_ONE_OUT_ERROR
from tegnas.indicators.linear_regions import LINEAR_REGIONS
from tegnas.indicators.variance_inflation import VARIANCE_INFLATION
from tegnas.scoring.average import MEDIAN, averaged
from tegnas.scoring.ranking import LOG_RANK, kendall_tau, rank_score, ranks
from tegnas.scoring.seeds import usable_seeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.shrink import small_batch
from tegnas.search.evaluator import Evaluator
from tegnas.search.executors import make_executor
from tegnas.search.store import ScoreStore
from tegnas.spaces.small_size import SmallSize
from tegnas.spaces.stored_name import stored_name

# Each family has one vote; a table of several spaces has one for each.
FAMILIES = {
    "nas-bench-201": "nb201.csv",
    "nas-bench-101": "nb101.csv",
    "transnas-micro": "transnas_micro.csv",
    "transnas-macro": "transnas_macro.csv",
    "darts-50": "darts_cifar10_50ep.csv",
    "nb301": "nb301.csv",
    "nas-bench-macro": "nasbench_macro.csv",
    "mnasnet": "mnasnet_imagenet.csv",
}

# Of a table's columns those that are the trained quality, where others stand beside it.
TASKS = {
    "nas-bench-201": ("cifar10_test200", "cifar100_test200"),
    "nas-bench-101": ("test_mean",),
    "darts-50": ("test_acc50",),
    "nas-bench-macro": ("acc",),
    "mnasnet": ("val_top1",),
}

SIZES = ("parameters", "flops")


@dataclass(frozen=True)
class Draw:
    """Which images, networks and architectures are looked at.

    Attributes:
        images: the seed that draws 64 of them.
        first_network: the seed of the first.
        seen: the 200 architectures of the choice; else at most 300 others.
    """

    images: int
    first_network: int
    seen: bool = True


CHOICE = (Draw(0, 0), Draw(2, 200))
CONFIRMATION = Draw(4, 400, seen=False)
COUNT, CONFIRMED = 200, 300


@dataclass(frozen=True)
class Part:
    """Indicators of one kind of small networks, which are scored and kept by themselves."""

    name: str
    indicators: tuple[Indicator, ...]
    sizes: Mapping[str, SmallSize]
    side: int
    networks: int


def kernels(channels: int, side: int, networks: int) -> Part:
    """T and G: kernels on images of ``side``, by networks of 0.6 of the depth."""
    return Part(
        f"kernels-{channels}-{side}",
        (VARIANCE_INFLATION, LEAVE_ONE_OUT_ERROR),
        {"deep": SmallSize(channels, 0.6)},
        side,
        networks,
    )


def patterns(depth: float, networks: int) -> Part:
    """E: patterns of random inputs, by networks of one channel."""
    sizes = {"deep_thin": SmallSize(1, depth)}
    return Part(f"patterns-{depth:g}", (LINEAR_REGIONS,), sizes, 16, networks)


Definition = tuple[Part, Part]

CANDIDATES: dict[str, Definition] = {
    f"{channels} channels, {side}×{side}, ten networks": (
        kernels(channels, side, 10),
        patterns(0.6, 10),
    )
    for channels, side in ((2, 8), (3, 8), (2, 12))
}
# What best was on NAS-Bench-201, carried over; to some spaces only, for what it costs.
BEFORE: Definition = kernels(3, 16, 5), patterns(1.0, 5)
HAD_BEFORE = ("nas-bench-201", "nas-bench-101", "transnas-micro", "transnas-macro")
CHOSEN = CANDIDATES["3 channels, 8×8, ten networks"]


@dataclass(frozen=True)
class Study:
    """Where things are."""

    tables: Path
    images: str
    out: Path

    def benchmark(self, family: str) -> Benchmark:
        """The table of a family."""
        return _benchmark(self.tables / FAMILIES[family])

    def batch(self, draw: Draw) -> Batch:
        """The images that every family is scored on."""
        return tegnas.load_batch(self.images, train=64, val=64, seed=draw.images)

    def columns(self, family: str, part: Part, draw: Draw) -> dict[str, np.ndarray]:
        """Values of a family's architectures, computed as far as they aren't kept: float64 (A,)."""
        benchmark, batch = self.benchmark(family), self.batch(draw)
        settings = ScoreSettings(
            indicators=part.indicators,
            image_size=part.side,
            repeats=part.networks,
            seed=draw.first_network,
        )
        space = type(benchmark.space)(**part.sizes)
        seeds = usable_seeds(space, small_batch(space, batch, settings), settings)
        folder = self.out / f"{draw.images}-{draw.first_network}" / family
        folder.mkdir(parents=True, exist_ok=True)
        store = ScoreStore(
            folder / f"{part.name}.sqlite",
            space=stored_name(space, settings.small_networks),
            settings=settings,
            data=batch.fingerprint(),
        )
        executor = make_executor("in-process", space, batch, settings, seeds.seeds)
        with closing(store), closing(executor):
            archs = [benchmark.archs[index] for index in rows(benchmark, draw)]
            found = Evaluator(store, executor)(archs, lambda known, computed: None)
        networks = np.array([each.networks for each in found])
        return {
            each.name: averaged(networks[:, i], MEDIAN) for i, each in enumerate(part.indicators)
        }

    def orders(self, family: str, definition: Definition, draw: Draw) -> dict[str, np.ndarray]:
        """Each indicator and all together, float64 (A,); higher is better."""
        columns: dict[str, np.ndarray] = {}
        for part in definition:
            columns |= self.columns(family, part, draw)
        indicators = [each for part in definition for each in part.indicators]
        single = {each.role: -each.cost(columns[each.name]) for each in indicators}
        values = [columns[each.name] for each in indicators]
        return {**single, "T + E + G": -rank_score(indicators, values, LOG_RANK)}

    def sizes(self, family: str, draw: Draw) -> dict[str, np.ndarray]:
        """Parameters and FLOPs of the full networks."""
        benchmark = self.benchmark(family)
        archs = [benchmark.archs[index] for index in rows(benchmark, draw)]
        settings = ScoreSettings(indicators=SIZES)  # type: ignore[arg-type]
        scores = tegnas.score(archs, self.batch(draw), space=benchmark.space, settings=settings)
        return {name: scores[name].numpy() for name in SIZES}


@cache
def _benchmark(path: Path) -> Benchmark:
    return load_benchmark(path)


def rows(benchmark: Benchmark, draw: Draw) -> np.ndarray:
    """Those of the choice, one per class of isomorphism; or others, where the table has others."""
    chosen = drawn(benchmark, COUNT, 0)
    if draw.seen:
        return chosen
    seen = {benchmark.space.canonical(benchmark.archs[index]) for index in chosen}
    others = [
        index
        for index in drawn(benchmark, None, 1)
        if benchmark.space.canonical(benchmark.archs[index]) not in seen
    ]
    if len(others) < 2:
        return chosen  # other images and networks all the same
    return np.sort(np.random.default_rng(5).permutation(others)[:CONFIRMED])


def tasks(family: str, benchmark: Benchmark) -> tuple[str, ...]:
    """The columns of trained quality."""
    return TASKS.get(family, tuple(benchmark.truth))


def mean_tau(study: Study, family: str, draw: Draw, order: np.ndarray) -> float:
    """Mean over the family's tasks of Kendall's τ of an order; higher is better."""
    benchmark = study.benchmark(family)
    taus = []
    for task in tasks(family, benchmark):
        truth = benchmark.truth[task][rows(benchmark, draw)]
        known = ~np.isnan(truth)
        taus.append(kendall_tau(ranks(order[known]), truth[known]))
    return float(np.nan_to_num(np.mean(taus)))


def score(study: Study) -> None:
    """Compute what isn't there yet; a line for each table and draw."""
    for draw in CHOICE:
        for name, definition in CANDIDATES.items():
            for family in FAMILIES:
                begin = time.monotonic()
                found = mean_tau(
                    study, family, draw, study.orders(family, definition, draw)["T + E + G"]
                )
                seconds = time.monotonic() - begin
                print(f"{draw} {name:32} {family:16} {found:.3f} {seconds:6.1f} s", flush=True)


def choose(study: Study) -> None:
    """Print the table of the choice."""
    print(f"| T + E + G | {' | '.join(FAMILIES)} | mean |")
    print("|---" + "|--:" * (len(FAMILIES) + 1) + "|")
    for name, definition in {**CANDIDATES, "before": BEFORE}.items():
        line(
            name,
            [
                [
                    mean_tau(
                        study, family, draw, study.orders(family, definition, draw)["T + E + G"]
                    )
                    if definition is not BEFORE or family in HAD_BEFORE
                    else np.nan
                    for draw in CHOICE
                ]
                for family in FAMILIES
            ],
        )
    for name in SIZES:
        line(
            name,
            [
                [mean_tau(study, family, draw, study.sizes(family, draw)[name]) for draw in CHOICE]
                for family in FAMILIES
            ],
        )


def line(name: str, taus: Sequence[Sequence[float]]) -> None:
    """A row: of each family the mean over draws, and of a definition how they differ."""
    means = [float(np.mean(each)) for each in taus]
    cells = [
        "" if np.isnan(mean) else f"{mean:.3f} ± {abs(each[0] - each[1]) / 2:.3f}"
        for mean, each in zip(means, taus, strict=True)
    ]
    whole = "" if np.isnan(means).any() else f"{np.mean(means):.3f}"
    print(f"| {name} | {' | '.join(cells)} | {whole} |", flush=True)


def confirm(study: Study) -> None:
    """Print the chosen definition and what was ``best`` before, with intervals, per task."""
    names = ("T + E + G", "T", "E", "G", "before", *SIZES)
    print(f"| table | task | architectures | {' | '.join(names)} |")
    print("|---|---|--:" + "|--:" * len(names) + "|")
    means: dict[str, list[float]] = {name: [] for name in names}
    for family in FAMILIES:
        benchmark = study.benchmark(family)
        orders = study.orders(family, CHOSEN, CONFIRMATION) | study.sizes(family, CONFIRMATION)
        if family in HAD_BEFORE:
            orders["before"] = study.orders(family, BEFORE, CONFIRMATION)["T + E + G"]
        for name, order in orders.items():
            means[name].append(mean_tau(study, family, CONFIRMATION, order))
        for task in tasks(family, benchmark):
            truth = benchmark.truth[task][rows(benchmark, CONFIRMATION)]
            cells = [interval(orders[name], truth) if name in orders else "" for name in names]
            count = int((~np.isnan(truth)).sum())
            print(f"| {family} | {task} | {count} | {' | '.join(cells)} |", flush=True)
    cells = [
        f"{np.mean(each):.3f}" if len(each) == len(FAMILIES) else "" for each in means.values()
    ]
    print(f"| mean over families | | | {' | '.join(cells)} |")


def interval(order: np.ndarray, truth: np.ndarray) -> str:
    known = ~np.isnan(truth)
    tau, _ = tau_and_rho(ranks(order[known]), truth[known], resamples=1000, seed=0)
    return f"{tau.value:.2f} [{tau.low:.2f}, {tau.high:.2f}]"


def run_step(description: str | None, steps: Mapping[str, Callable[[Study], None]]) -> None:
    """The step that the command line names, in the study that it describes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=tuple(steps))
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    steps[options.step](Study(options.tables, options.images, options.out))


if __name__ == "__main__":
    run_step(__doc__, {"score": score, "choose": choose, "confirm": confirm})
