"""The third study: one rule for small networks, judged over the tables of all benchmarks.

    python bench/third_study.py score --tables DIR --images FILE.npz --out OUT [--only NAME]
    python bench/third_study.py choose --tables DIR --images FILE.npz --out OUT
    python bench/third_study.py confirm --tables DIR --images FILE.npz --out OUT

The protocol is docs/studies/ranking-third.md. ``score`` computes every candidate on every table and
goes on where it stopped; ``choose`` prints the tables of the choice among the candidates that are
there for every family; ``confirm`` computes what was chosen, and what was ``best`` before, on
architectures, images and networks that no choice has seen.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
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
from tegnas.search.store import ScoreStore, is_empty, read_store
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
    "autoformer": "vit_cifar100.csv#autoformer",
    "pit": "vit_cifar100.csv#pit",
}

# Of a table's columns those that are the trained quality, where others stand beside it.
TASKS = {
    "nas-bench-201": ("cifar10_test200", "cifar100_test200"),
    "nas-bench-101": ("test_mean",),
    "darts-50": ("test_acc50",),
    "nas-bench-macro": ("acc",),
    "mnasnet": ("val_top1",),
    "autoformer": ("c100_base_acc", "flower_base_acc", "chaoyang_base_acc"),
    "pit": ("c100_base_acc", "flower_base_acc", "chaoyang_base_acc"),
}

COUNT, NETWORKS = 200, 5
CONFIRMED = 300


@dataclass(frozen=True)
class Kernels:
    """A candidate for the networks behind the kernels."""

    channels: int
    depth: float
    side: int

    indicators = (VARIANCE_INFLATION, LEAVE_ONE_OUT_ERROR)

    def __str__(self) -> str:
        return f"kernels-{self.channels}-{self.depth:g}-{self.side}"

    def sizes(self) -> dict[str, SmallSize]:
        """What the space is made with."""
        return {"deep": SmallSize(self.channels, self.depth)}


@dataclass(frozen=True)
class Patterns:
    """A candidate for the networks behind the activation patterns."""

    channels: int
    depth: float

    side = 16
    indicators = (LINEAR_REGIONS,)

    def __str__(self) -> str:
        return f"patterns-{self.channels}-{self.depth:g}"

    def sizes(self) -> dict[str, SmallSize]:
        """What the space is made with."""
        return {"deep_thin": SmallSize(self.channels, self.depth)}


Candidate = Kernels | Patterns

KERNELS = tuple(Kernels(*each) for each in itertools.product((1, 2, 3), (1.0, 0.6), (8, 16)))
PATTERNS = tuple(Patterns(*each) for each in itertools.product((1, 2), (0.0, 0.6, 1.0)))
COUNTS = (1, 2, 3, 5)


@dataclass(frozen=True)
class Study:
    """Where things are, and which architectures, images and networks are looked at."""

    tables: Path
    images: str
    out: Path
    draw: int = 0
    first_network: int = 0
    count: int = COUNT

    def benchmark(self, family: str) -> Benchmark:
        """The table of a family."""
        return load_benchmark(self.tables / FAMILIES[family])

    @cached_property
    def batch(self) -> Batch:
        """The images that every family is scored on."""
        return tegnas.load_batch(self.images, train=64, val=64, seed=self.draw)

    def settings(self, candidate: Candidate, networks: int = NETWORKS) -> ScoreSettings:
        """Those of a candidate."""
        return ScoreSettings(
            indicators=candidate.indicators,
            image_size=candidate.side,
            repeats=networks,
            seed=self.first_network,
        )

    def values(self, family: str, candidate: Candidate) -> Values:
        """Scores of a family's architectures, computed as far as they aren't kept."""
        benchmark = self.benchmark(family)
        rows = self.rows(benchmark)
        settings = self.settings(candidate)
        space = type(benchmark.space)(**candidate.sizes())
        seeds = usable_seeds(space, small_batch(space, self.batch, settings), settings)
        # Each candidate has a file of its own.
        folder = self.out / f"draw{self.draw}-{self.first_network}" / family
        folder.mkdir(parents=True, exist_ok=True)
        store = ScoreStore(
            folder / f"{candidate}.sqlite",
            space=stored_name(space, settings.small_networks),
            settings=settings,
            data=self.batch.fingerprint(),
        )
        executor = make_executor("in-process", space, self.batch, settings, seeds.seeds)
        with closing(store), closing(executor):
            archs = [benchmark.archs[index] for index in rows]
            found = Evaluator(store, executor)(archs, lambda known, computed: None)
            milliseconds = 1e3 * store.mean_seconds()
        networks = np.array([each.networks for each in found])
        return Values(
            {each.name: networks[:, i] for i, each in enumerate(candidate.indicators)},
            milliseconds / NETWORKS,
            seeds.note,
        )

    def path(self, family: str, candidate: Candidate) -> Path:
        """The file of a candidate's scores."""
        return self.out / f"draw{self.draw}-{self.first_network}" / family / f"{candidate}.sqlite"

    def is_there(self, family: str, candidate: Candidate) -> bool:
        """Whether a family is scored whole by a candidate."""
        path = self.path(family, candidate)
        if not path.exists() or is_empty(path):
            return False
        return len(read_store(path).networks) >= len(self.rows(self.benchmark(family)))

    def rows(self, benchmark: Benchmark) -> np.ndarray:
        """The architectures looked at; those of the confirmation are others."""
        chosen = drawn(benchmark, COUNT, 0)
        if self.draw == 0:
            return chosen
        seen = {benchmark.space.canonical(benchmark.archs[index]) for index in chosen}
        others = [
            index
            for index in drawn(benchmark, None, 1)
            if benchmark.space.canonical(benchmark.archs[index]) not in seen
        ]
        rng = np.random.default_rng(1)
        if len(others) < 2:
            return chosen  # the table has no more: other images and networks all the same
        return np.sort(rng.permutation(others)[: self.count])


@dataclass(frozen=True)
class Values:
    """The scores of a family by one candidate.

    Attributes:
        networks: by indicator, float64 (A, networks).
        milliseconds: per architecture and network.
        note: what they don't tell.
    """

    networks: Mapping[str, np.ndarray]
    milliseconds: float
    note: str

    def columns(self, networks: int) -> dict[str, np.ndarray]:
        """Each indicator by the first networks alone, float64 (A,)."""
        return {name: averaged(each[:, :networks], MEDIAN) for name, each in self.networks.items()}


def tau(
    indicators: Sequence[Indicator],
    columns: Mapping[str, np.ndarray],
    benchmark: Benchmark,
    rows: np.ndarray,
    family: str,
) -> float:
    """Mean over the family's tasks of Kendall's τ of the combined order."""
    order = -rank_score(indicators, [columns[each.name] for each in indicators], LOG_RANK)
    return mean_tau(order, benchmark, rows, family)


def mean_tau(score: np.ndarray, benchmark: Benchmark, rows: np.ndarray, family: str) -> float:
    """Mean over the family's tasks of τ of a score; higher is better."""
    taus = []
    for task in TASKS.get(family, tuple(benchmark.truth)):
        truth = benchmark.truth[task][rows]
        known = ~np.isnan(truth)
        taus.append(kendall_tau(ranks(score[known]), truth[known]))
    return float(np.nan_to_num(np.mean(taus)))


def score(study: Study, families: Sequence[str], candidates: Sequence[Candidate]) -> None:
    """Compute what isn't there yet; a line for each."""
    for candidate in candidates:
        for family in families:
            begin = time.monotonic()
            values = study.values(family, candidate)
            benchmark = study.benchmark(family)
            rows = study.rows(benchmark)
            found = tau(candidate.indicators, values.columns(NETWORKS), benchmark, rows, family)
            print(
                f"{family:16} {candidate!s:18} τ {found:6.3f}  {values.milliseconds:8.2f} ms a "
                f"network  {time.monotonic() - begin:6.1f} s  {values.note}",
                flush=True,
            )


@dataclass(frozen=True)
class Choice:
    """A definition: networks behind kernels, how many, networks behind patterns."""

    kernels: Kernels
    networks: int
    patterns: Patterns | None = None

    def __str__(self) -> str:
        text = f"{self.kernels}, {self.networks} networks"
        return text if self.patterns is None else f"{text}, {self.patterns}"


# What was best before, carried over to every space by the same rule. On NAS-Bench-201 it is that.
BEFORE = Choice(Kernels(3, 0.6, 16), 5, Patterns(1, 1.0))
HAD_BEFORE = (
    "nas-bench-201",
    "nas-bench-101",
    "transnas-micro",
    "transnas-macro",
    "nas-bench-macro",
)

# What the study chose.
CHOSEN = Choice(Kernels(2, 0.6, 8), 5, Patterns(1, 0.6))


class Results:
    """What was computed, looked up by family and candidate."""

    def __init__(self, study: Study, families: Sequence[str]) -> None:
        self.families = tuple(families)
        self._study = study
        self._benchmarks = {each: study.benchmark(each) for each in families}
        self._rows = {each: study.rows(self._benchmarks[each]) for each in families}
        self._values: dict[tuple[str, Candidate], Values] = {}

    def values(self, family: str, candidate: Candidate) -> Values:
        """The scores, read once."""
        key = family, candidate
        if key not in self._values:
            self._values[key] = self._study.values(*key)
        return self._values[key]

    def tau(self, family: str, choice: Choice) -> float:
        """τ of T + G, or of T + E + G where the choice has patterns."""
        columns = self.values(family, choice.kernels).columns(choice.networks)
        indicators: tuple[Indicator, ...] = Kernels.indicators
        if choice.patterns is not None:
            columns |= self.values(family, choice.patterns).columns(choice.networks)
            indicators = (*indicators, *Patterns.indicators)
        return tau(indicators, columns, self._benchmarks[family], self._rows[family], family)

    def single(self, family: str, candidate: Candidate, indicator: Indicator) -> float:
        """τ of one indicator by all networks."""
        columns = self.values(family, candidate).columns(NETWORKS)
        return tau((indicator,), columns, self._benchmarks[family], self._rows[family], family)

    def baseline(self, family: str, name: str) -> float:
        """τ of the parameters or FLOPs of the full network."""
        benchmark, rows = self._benchmarks[family], self._rows[family]
        settings = ScoreSettings(indicators=(name,))  # type: ignore[arg-type]
        archs = [benchmark.archs[index] for index in rows]
        sizes = tegnas.score(archs, self._study.batch, space=benchmark.space, settings=settings)
        return mean_tau(sizes[name].numpy(), benchmark, rows, family)

    def cost(self, choice: Choice) -> float:
        """Milliseconds per architecture of NAS-Bench-201, of kernels and patterns."""
        first = self.families[0]
        total = self.values(first, choice.kernels).milliseconds
        if choice.patterns is not None:
            total += self.values(first, choice.patterns).milliseconds
        return choice.networks * total


def best(
    results: Results, choices: Sequence[Choice], families: Sequence[str], within: float = 0.01
) -> Choice:
    """The cheapest of those within ``within`` of the best mean over families."""
    means = {each: np.mean([results.tau(one, each) for one in families]) for each in choices}
    top = max(means.values())
    return min((each for each in choices if means[each] >= top - within), key=results.cost)


def whole_choice(
    results: Results,
    families: Sequence[str],
    allowed: Sequence[Choice],
    patterns: Sequence[Patterns],
) -> Choice:
    """The protocol's two steps: the kernels' network by T + G, then the patterns' by T + E + G."""
    kernels = best(results, allowed, families)
    return best(results, [replace(kernels, patterns=each) for each in patterns], families)


def choose(study: Study, families: Sequence[str]) -> None:
    """Print what the choice is made by, and what it is worth on families left out."""
    results = Results(study, families)
    kernels, patterns_ = (
        [each for each in every if all(study.is_there(one, each) for one in families)]
        for every in (KERNELS, PATTERNS)
    )
    choices = [Choice(each, count) for each in kernels for count in COUNTS]
    heading("T + G by kernels' network", families)
    for each in choices:
        line(str(each), [results.tau(one, each) for one in families], results.cost(each))
    chosen = whole_choice(results, families, choices, patterns_)
    heading("T + E + G by patterns' network, with the kernels chosen", families)
    for patterns in patterns_:
        each = replace(chosen, patterns=patterns)
        line(str(each), [results.tau(one, each) for one in families], results.cost(each))
    heading("each indicator of what is chosen", families)
    assert chosen.patterns is not None
    for candidate in (chosen.kernels, chosen.patterns):
        for indicator in candidate.indicators:
            line(indicator.label, [results.single(one, candidate, indicator) for one in families])
    for name in ("parameters", "flops"):
        line(name, [results.baseline(one, name) for one in families])
    heading("chosen without the family, judged on it", families)
    left_out = []
    for family in families:
        others = [one for one in families if one != family]
        left_out.append(results.tau(family, whole_choice(results, others, choices, patterns_)))
    line("left out", left_out)
    line(f"before: {BEFORE}", [_if_there(study, results, one, BEFORE) for one in families])
    print(f"\nchosen: {chosen}, {results.cost(chosen):.1f} ms on {families[0]}")


def _if_there(study: Study, results: Results, family: str, choice: Choice) -> float:
    assert choice.patterns is not None
    there = all(study.is_there(family, each) for each in (choice.kernels, choice.patterns))
    return results.tau(family, choice) if there else float("nan")


def confirm(study: Study, families: Sequence[str]) -> None:
    """Print the chosen definition and what was ``best`` before, with intervals, per task."""
    print("| table | task | architectures | T + E + G | T | E | G | before | parameters | FLOPs |")
    print("|---|---|" + "--:|" * 8)
    for family in families:
        benchmark = study.benchmark(family)
        rows = study.rows(benchmark)
        archs = [benchmark.archs[index] for index in rows]
        orders = {**_orders(study, family, CHOSEN), **_sizes(study, benchmark, archs)}
        before = _orders(study, family, BEFORE)["T + E + G"] if family in HAD_BEFORE else None
        for task in TASKS.get(family, tuple(benchmark.truth)):
            truth = benchmark.truth[task][rows]
            cells = [_cell(orders[name], truth) for name in ("T + E + G", "T", "E", "G")]
            cells.append("" if before is None else _cell(before, truth))
            cells += [_cell(orders[name], truth) for name in ("parameters", "flops")]
            count = int((~np.isnan(truth)).sum())
            print(f"| {family} | {task} | {count} | {' | '.join(cells)} |", flush=True)


def _orders(study: Study, family: str, choice: Choice) -> dict[str, np.ndarray]:
    """Each indicator and all together, float64 (A,), higher is better."""
    assert choice.patterns is not None
    columns: dict[str, np.ndarray] = {}
    indicators: list[Indicator] = []
    for candidate in (choice.kernels, choice.patterns):
        columns |= study.values(family, candidate).columns(choice.networks)
        indicators += candidate.indicators
    found = {each.role: -each.cost(columns[each.name]) for each in indicators}
    values = [columns[each.name] for each in indicators]
    return {**found, "T + E + G": -rank_score(indicators, values, LOG_RANK)}


def _sizes(study: Study, benchmark: Benchmark, archs: Sequence[object]) -> dict[str, np.ndarray]:
    settings = ScoreSettings(indicators=("parameters", "flops"))  # type: ignore[arg-type]
    scores = tegnas.score(archs, study.batch, space=benchmark.space, settings=settings)
    return {name: scores[name].numpy() for name in scores.settings.names}


def _cell(order: np.ndarray, truth: np.ndarray) -> str:
    known = ~np.isnan(truth)
    tau_, _ = tau_and_rho(ranks(order[known]), truth[known], resamples=1000, seed=0)
    return f"{tau_.value:.2f} [{tau_.low:.2f}, {tau_.high:.2f}]"


def heading(text: str, families: Sequence[str]) -> None:
    """Start a table of Markdown."""
    print(f"\n{text}\n\n| | {' | '.join(families)} | mean | ms |")
    print("|---" + "|--:" * (len(families) + 2) + "|")


def line(name: str, taus: Sequence[float], milliseconds: float | None = None) -> None:
    """One row of it."""
    cost = "" if milliseconds is None else f"{milliseconds:.1f}"
    print(
        f"| {name} | {' | '.join(f'{each:.3f}' for each in taus)} | {np.mean(taus):.3f} | {cost} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("score", "choose", "confirm"))
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--candidates", default="", help="only those whose names begin like this")
    options = parser.parse_args()
    study = Study(options.tables, options.images, options.out)
    families = options.families.split(",")
    if options.step == "choose":
        return choose(study, families)
    if options.step == "confirm":
        unseen = replace(study, draw=1, first_network=100, count=CONFIRMED)
        return confirm(unseen, families)
    every: Iterator[Candidate] = iter((*KERNELS, *PATTERNS))
    score(study, families, [each for each in every if str(each).startswith(options.candidates)])


if __name__ == "__main__":
    main()
