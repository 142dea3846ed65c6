"""A first look at what goes wrong at the top; the protocol is docs/studies/top.md.

    python bench/top_study.py --table NB201.csv --tables DIR --images FILE.npz --store DIR

Scores are kept in the store, a file per space. Prints what the study's page holds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from searches_tables import markdown

import tegnas
from tegnas.analysis.benchmarking import drawn
from tegnas.benchmarks import Benchmark, load_benchmark
from tegnas.data import Batch
from tegnas.scoring.average import averaged
from tegnas.scoring.ranking import LOG_RANK, RANK_SUM, combine, ranks
from tegnas.scoring.seeds import usable_seeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.shrink import small_batch
from tegnas.search.evaluator import Evaluator
from tegnas.search.executors import make_executor
from tegnas.search.store import ScoreStore
from tegnas.spaces import Architecture, Space
from tegnas.spaces.sizes import full_parameters
from tegnas.spaces.stored_name import stored_name

TRUTH = {
    "nas-bench-201": ("cifar10_test200",),
    "nas-bench-101": ("test_mean",),
    "transnas-micro": ("class_object", "room_layout", "jigsaw", "autoencoder"),
    "transnas-macro": ("class_object", "room_layout", "jigsaw", "autoencoder"),
    "nas-bench-macro": ("acc",),
}
FILES = ("nb101.csv", "transnas_micro.csv", "transnas_macro.csv", "nasbench_macro.csv")
COUNT, SETS, RESAMPLES, RESAMPLE_SETS = 300, 1000, 200, 50
LEADERS, MORE = 10, 10
FIRSTS = (1, 5, 10)
BEST, MORE_NETWORKS = "log-rank (best)", "log-rank, then 15 networks"


@dataclass(frozen=True, eq=False)
class Half:
    """One half of a table's rows.

    Attributes:
        space, archs: the architectures.
        costs: of T, E, G and parameters, lower is better, float64 (4, A); infinite for failures.
        truth: float64 (A,).
        size: architectures in a set.
    """

    space: Space
    archs: tuple[Architecture, ...]
    costs: np.ndarray
    truth: np.ndarray
    size: int


Way = Callable[[np.ndarray], np.ndarray]
"""From the costs of a set, (4, n), to one cost, (n,)."""


def _combined(rows: tuple[int, ...], combination: str) -> Way:
    def way(costs: np.ndarray) -> np.ndarray:
        return combine(list(costs[list(rows)]), np.isinf(costs[:3]).any(0), combination)

    return way


def _of_ranks(reduce: Callable[[np.ndarray], np.ndarray]) -> Way:
    def way(costs: np.ndarray) -> np.ndarray:
        table = ranks(costs[:3])
        # A tie of what has few values is broken by the sum.
        return reduce(table) + 1e-6 * table.sum(0) / table.size

    return way


WAYS: dict[str, Way] = {
    BEST: _combined((0, 1, 2), LOG_RANK),
    "rank-sum": _combined((0, 1, 2), RANK_SUM),
    "worst of the three ranks": _of_ranks(lambda table: table.max(0)),
    "product of the ranks": _of_ranks(lambda table: np.log(table).sum(0)),
    "median of the ranks": _of_ranks(lambda table: np.median(table, axis=0)),
    "T": _combined((0,), LOG_RANK),
    "E": _combined((1,), LOG_RANK),
    "G": _combined((2,), LOG_RANK),
    "T + E": _combined((0, 1), LOG_RANK),
    "T + G": _combined((0, 2), LOG_RANK),
    "E + G": _combined((1, 2), LOG_RANK),
    "T + E + G + parameters": _combined((0, 1, 2, 3), LOG_RANK),
    "parameters": _combined((3,), LOG_RANK),
}
CANDIDATES = tuple(WAYS)[:5]


def networks_of(
    space: Space, archs: list[Architecture], batch: Batch, settings: ScoreSettings, store: Path
) -> np.ndarray:
    """The value of every network, float64 (A, indicators, networks)."""
    seeds = usable_seeds(space, small_batch(space, batch, settings), settings)
    kept = ScoreStore(
        store,
        space=stored_name(space, settings.small_networks),
        settings=settings,
        data=batch.fingerprint(),
    )
    executor = make_executor("in-process", space, batch, settings, seeds.seeds)
    with closing(kept), closing(executor):
        found = Evaluator(kept, executor)(archs, lambda known, computed: None)
    return np.array([each.networks for each in found])


def costs_of(networks: np.ndarray, settings: ScoreSettings) -> np.ndarray:
    """The averages over networks as costs, float64 (3, A)."""
    values = [averaged(networks[:, i], settings.average) for i in range(networks.shape[1])]
    return np.stack([each.cost(row) for each, row in zip(settings.indicators, values, strict=True)])


def truth_of(benchmark: Benchmark, rows: np.ndarray) -> np.ndarray:
    """The trained quality; of several tasks the mean of their quantiles."""
    columns = [benchmark.truth[name][rows] for name in TRUTH[benchmark.space.name]]
    if len(columns) == 1:
        return columns[0]
    return np.mean([ranks(each) / len(each) for each in columns], axis=0)


def halves(benchmark: Benchmark, batch: Batch, store: Path) -> tuple[Half, Half]:
    """The selection half and the confirming one: classes of isomorphism dealt at random."""
    whole = benchmark.space.name == "nas-bench-201"
    rows = np.arange(len(benchmark.archs)) if whole else drawn(benchmark, COUNT, 0)
    space, settings = benchmark.space, ScoreSettings()
    archs = [benchmark.archs[index] for index in rows]
    networks = networks_of(space, archs, batch, settings, store / f"{space.name}.sqlite")
    sizes = [-(full_parameters(space, arch) or 0.0) for arch in archs]
    costs = np.concatenate([costs_of(networks, settings), [sizes]])
    truth = truth_of(benchmark, rows)
    classes = [space.canonical(arch) for arch in archs]
    distinct = list(dict.fromkeys(classes))
    rng = np.random.default_rng(0)
    first = {distinct[index] for index in rng.permutation(len(distinct))[: len(distinct) // 2]}
    chosen = np.array([each in first for each in classes])
    parts = []
    for members in (np.flatnonzero(chosen), np.flatnonzero(~chosen)):
        own = tuple(archs[index] for index in members)
        parts.append(Half(space, own, costs[:, members], truth[members], 300 if whole else 100))
    return parts[0], parts[1]


def better(half: Half, members: np.ndarray, cost: np.ndarray) -> list[float]:
    """Per cent of a set that is better than the best of its first 1, 5 and 10."""
    truth = half.truth[members]
    order = np.argsort(cost, kind="stable")
    return [100 * float(np.mean(truth > truth[order[:count]].max())) for count in FIRSTS]


def sets(half: Half, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Random sets of a half."""
    for _ in range(count):
        yield rng.permutation(len(half.archs))[: half.size]


def figures(half: Half, extra: Callable[[np.ndarray], np.ndarray] | None = None):
    """By way the mean of ``better`` over the sets, and the mean truth of the three finds."""
    drawn_sets = list(sets(half, SETS, np.random.default_rng(0)))
    found = {}
    for name, way in WAYS.items():
        costs = [way(half.costs[:, members]) for members in drawn_sets]
        found[name] = _summary(half, drawn_sets, costs)
    if extra is not None:
        found[MORE_NETWORKS] = _summary(half, drawn_sets, [extra(each) for each in drawn_sets])
    return found


def _summary(half: Half, drawn_sets, costs) -> tuple[np.ndarray, np.ndarray]:
    shares = [better(half, members, cost) for members, cost in zip(drawn_sets, costs, strict=True)]
    truths = []
    for members, cost in zip(drawn_sets, costs, strict=True):
        order = members[np.argsort(cost, kind="stable")]
        truths.append([half.truth[order[:count]].max() for count in FIRSTS])
    return np.mean(shares, 0), np.mean(truths, 0)


def leaders_again(half: Half, batch: Batch, store: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Orders a set by log-rank, its first ten by log-rank of fifteen networks."""
    way, settings = WAYS[BEST], ScoreSettings()
    wanted = sorted(
        {
            int(members[index])
            for members in sets(half, SETS, np.random.default_rng(0))
            for index in np.argsort(way(half.costs[:, members]), kind="stable")[:LEADERS]
        }
    )
    archs = [half.archs[index] for index in wanted]
    path = store / f"{half.space.name}.sqlite"
    more = replace(settings, seed=settings.repeats, repeats=MORE)
    every = np.concatenate(
        [
            networks_of(half.space, archs, batch, settings, path),
            networks_of(half.space, archs, batch, more, store / "more.sqlite"),
        ],
        axis=2,
    )
    again = dict(zip(wanted, costs_of(every, settings).T, strict=True))
    print(f"(scored again: {len(wanted)} of {len(half.archs)})", flush=True)

    def order(members: np.ndarray) -> np.ndarray:
        cost = way(half.costs[:, members])
        first = np.argsort(cost, kind="stable")[:LEADERS]
        # Ranked within the whole set, as before, with the leaders' better known values.
        known = half.costs[:3][:, members].copy()
        for index in first:
            known[:, index] = again[int(members[index])]
        result = cost.copy()
        result[first] = combine(list(known), np.isinf(known).any(0), LOG_RANK)[first] - 1e6
        return result

    return order


def interval(parts: list[Half], name: str) -> np.ndarray:
    """95 % interval of the figure of a way less that of log-rank, architectures drawn again."""
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(RESAMPLES):
        tables = []
        for half in parts:
            again = rng.integers(len(half.archs), size=len(half.archs))
            shares = []
            for _ in range(RESAMPLE_SETS):
                members = again[rng.permutation(len(again))[: half.size]]
                costs = half.costs[:, members]
                own, today = (better(half, members, WAYS[each](costs))[0] for each in (name, BEST))
                shares.append(own - today)
            tables.append(np.mean(shares))
        differences.append(np.mean(tables))
    return np.percentile(differences, [2.5, 97.5])


def overrated(half: Half) -> str:
    """The best hundred by log-rank: how those of high and of low accuracy differ."""
    cost = WAYS[BEST](half.costs)
    hundred = np.argsort(cost, kind="stable")[:100]
    good = np.sort(half.truth)[-100]
    groups = {
        "in the best hundred": hundred[half.truth[hundred] >= good],
        "between": hundred[
            (half.truth[hundred] < good) & (half.truth[hundred] >= np.median(half.truth[hundred]))
        ],
        "below the median of the hundred": hundred[
            half.truth[hundred] < min(good, np.median(half.truth[hundred]))
        ],
    }
    table = ranks(half.costs)
    rows = []
    for name, members in groups.items():
        cells = [name, str(len(members)), f"{half.truth[members].mean():.2f}"]
        rows.append([*cells, *(f"{row[members].mean():.0f}" for row in table)])
    text = markdown(
        ["accuracy", "architectures", "mean, %", "rank by T", "by E", "by G", "by parameters"], rows
    )
    parts = []
    high, low = groups["in the best hundred"], groups["below the median of the hundred"]
    shares = [_shares(half, members) for members in (high, low)]
    for key in sorted(set(shares[0]) | set(shares[1])):
        difference = shares[1][key] - shares[0][key]
        parts.append((difference, key, shares[1][key], shares[0][key]))
    parts.sort(key=lambda each: -abs(each[0]))
    more = markdown(
        ["edge and operation", "share of the overrated, %", "of the good, %"],
        [[key, f"{100 * a:.0f}", f"{100 * b:.0f}"] for _, key, a, b in parts[:10]],
    )
    return f"{text}\n{more}"


def _shares(half: Half, members: np.ndarray) -> Counter:
    choices = half.space.choices()  # type: ignore[attr-defined]
    counts: Counter = Counter()
    for index in members:
        code = half.space.encode(half.archs[index])  # type: ignore[attr-defined]
        for choice, option in zip(choices, code, strict=True):
            counts[f"{choice.name}: {choice.options[option]}"] += 1 / len(members)
    return counts


def figures_table(found: dict[str, dict], names: list[str]) -> str:
    """A row per way: per cent of a set that is better, table by table, and their mean."""
    rows = []
    for way in [*WAYS, MORE_NETWORKS]:
        known = [found[name].get(way) for name in names]
        cells = [
            "—" if each is None else " / ".join(f"{value:.1f}" for value in each[0])
            for each in known
        ]
        mean = "—"
        if all(each is not None for each in known):
            mean = " / ".join(f"{v:.2f}" for v in np.mean([each[0] for each in known], axis=0))
        rows.append([way, *cells, mean])
    return markdown(["way", *names, "mean"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True, help="of NAS-Bench-201")
    parser.add_argument("--tables", type=Path, required=True, help="directory of the others")
    parser.add_argument("--images", required=True)
    parser.add_argument("--store", type=Path, required=True)
    arguments = parser.parse_args()
    batch = tegnas.load_batch(arguments.images, seed=0)
    paths = [arguments.table, *(arguments.tables / each for each in FILES)]
    parts = {}
    for path in paths:
        benchmark = load_benchmark(path)
        parts[benchmark.name] = halves(benchmark, batch, arguments.store)
        print(benchmark.name, [len(each.archs) for each in parts[benchmark.name]], flush=True)
    names = list(parts)
    print(overrated(parts["nas-bench-201"][0]), flush=True)
    chosen = ""
    for place, title in enumerate(("selection half", "confirming half")):
        found = {}
        for name in names:
            half = parts[name][place]
            extra = None
            if name == "nas-bench-201":
                extra = leaders_again(half, batch, arguments.store)
            found[name] = figures(half, extra)
        print(f"\n{title}: per cent of a set better than the best of the first 1 / 5 / 10\n")
        print(figures_table(found, names), flush=True)
        accuracy = [
            [way, *(f"{value:.2f}" for value in truth)]
            for way, (_, truth) in found["nas-bench-201"].items()
        ]
        print("NAS-Bench-201, accuracy of the best of the first\n")
        print(markdown(["way", "1", "5", "10"], accuracy), flush=True)
        if not chosen:
            first = {w: np.mean([found[n][w][0][0] for n in names]) for w in CANDIDATES}
            chosen = min(first, key=lambda way: first[way])
            print(f"chosen: {chosen}", flush=True)
    if chosen != BEST:
        low, high = interval([parts[name][1] for name in names], chosen)
        print(f"{chosen} less {BEST}, confirming half: 95 % from {low:+.2f} to {high:+.2f} points")


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"top_study: {error}") from None
