"""A second look at the top: the order of the leaders and the model of refine.

    tegnas search --strategy exhaustive --images FILE.npz --out runs/all
    python bench/refine_study.py select runs/all --table NB201.csv --tables DIR \\
        --images FILE.npz --store DIR
    python bench/refine_study.py confirm runs/all … --way NAME=VALUE …

The protocol is docs/studies/top.md; prints what its page holds. Scores of NAS-Bench-201 are those
of the exhaustive run, those of the other tables are kept in the store.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from refine_contestants import CONTESTANTS, Candidates
from refine_ways import ORDERS, WITH_PARAMETERS, Way, costs_of, refined
from refine_worlds import World, nas_bench_201_world, table_world
from searches_tables import markdown

import tegnas
from tegnas.scoring.average import averaged

TABLES = (
    "nb101.csv#val_mean#test_mean",
    "nasbench_macro.csv#s0#acc",
    "transnas_micro.csv#class_object#class_object",
    "transnas_macro.csv#class_object#class_object",
)
MOST, JUDGED = 20, (10, 20)
SEEDS = 3
LEAST_GAIN, WITH_GAIN = 0.5, 1.0
RESAMPLES = 10_000

FACTORS: tuple[tuple[str, tuple[dict[str, object], ...]], ...] = (
    ("equal networks", ({"equal": "live"}, {"equal": "class"})),
    (
        "features",
        tuple({"features": f} for f in ("live", "scores twice", "scores alone", "parameters")),
    ),
    ("regression", ({"regression": "process"}, {"regression": "process, linear"})),
    ("acquisition", ({"acquisition": "mean"}, {"acquisition": "bound"})),
    (
        "first ones",
        ({"first": 2}, {"first": 3}, {"first": 6}, {"first": 4, "apart": True}),
    ),
    ("neighbours of", ({"around": 2}, {"around": 3})),
    ("answer", ({"answer": "both"},)),
)

Found = dict[str, np.ndarray]
"""By world the truth of the finds, float64 (searches, seeds, trainings + 1)."""


def finds(way: Way, worlds: Sequence[World], first_seed: int, seeds: int | None = None) -> Found:
    """What a way finds on every search of every world; None takes all seeds."""
    return {
        world.name: np.array(
            [
                [
                    world.truth[refined(way, world, pool, MOST, first_seed + number)]
                    for number, pool in enumerate(pools[:seeds])
                ]
                for pools in world.pools
            ]
        )
        for world in worlds
    }


def first_finds(order: str, worlds: Sequence[World]) -> Found:
    """The find without any training, float64 (searches, seeds, 1)."""
    every = ORDERS | WITH_PARAMETERS
    found = {}
    for world in worlds:
        rows = [
            [world.truth[p[np.argmin(every[order](costs_of(world, p)))]] for p in pools]
            for pools in world.pools
        ]
        found[world.name] = np.array(rows)[..., None]
    return found


def regrets(found: Found, worlds: Sequence[World]) -> Found:
    """The same as regrets."""
    return {w.name: np.vectorize(w.regret, otypes=[float])(found[w.name]) for w in worlds}


def figure(values: Found, counts: Sequence[int]) -> float:
    """Mean regret over tables and numbers of trainings."""
    return float(np.mean([each[..., list(counts)].mean() for each in values.values()]))


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of (..., seeds) and its 95 % interval, seeds being drawn again."""
    rng = np.random.default_rng(0)
    by_seed = values.reshape(-1, values.shape[-1]).mean(0)
    again = by_seed[rng.integers(len(by_seed), size=(RESAMPLES, len(by_seed)))].mean(1)
    low, high = np.percentile(again, [2.5, 97.5])
    return float(by_seed.mean()), float(low), float(high)


def row(name: str, values: Found, found: Found, counts: Sequence[int]) -> list[str]:
    """A way: its figure, the regrets of the tables, and accuracy on NAS-Bench-201."""
    regret = [f"{values[w][..., list(counts)].mean():.1f}" for w in values]
    accuracy = " / ".join(f"{found['nas-bench-201'][..., c].mean():.2f}" for c in counts)
    return [name, f"{figure(values, counts):.2f}", *regret, accuracy]


def headings(worlds: Sequence[World], counts: Sequence[int]) -> list[str]:
    """Of ``row``."""
    asked = " / ".join(map(str, counts))
    names = [world.name for world in worlds]
    return ["way", "mean regret", *names, f"nas-bench-201, accuracy at {asked}"]


def select(worlds: Sequence[World], first_seed: int, workers: int) -> Way:
    """One factor after the other, as the protocol says; prints the tables."""
    rows, judged = [], {}
    for name in (*ORDERS, *WITH_PARAMETERS):
        found = first_finds(name, worlds)
        values = regrets(found, worlds)
        judged[name] = figure(values, (0,))
        rows.append(row(name, values, found, (0,)))
    print("Orders, without trainings\n")
    print(markdown(headings(worlds, (0,)), rows), flush=True)
    without = min(ORDERS, key=judged.__getitem__)
    extra = min(WITH_PARAMETERS, key=judged.__getitem__)
    offered = judged[extra] < judged[without] - WITH_GAIN
    print(f"chosen: {without}; {extra} is {'' if offered else 'not '}offered\n", flush=True)
    chosen = Way(order=without)
    today = Way()
    rows = []
    with ProcessPoolExecutor(workers) as pool:
        run = partial(finds, worlds=worlds, first_seed=first_seed, seeds=SEEDS)
        starts = list(pool.map(run, [today, chosen]))
        for way, found in zip((today, chosen), starts, strict=True):
            rows.append(row(f"order: {way.order}", regrets(found, worlds), found, JUDGED))
        best = figure(regrets(starts[1], worlds), JUDGED)
        for factor, changes in FACTORS:
            ways = [replace(chosen, **change) for change in changes]  # type: ignore[arg-type]
            reached = []
            for change, found in zip(changes, pool.map(run, ways), strict=True):
                values = regrets(found, worlds)
                reached.append(figure(values, JUDGED))
                told = ", ".join(f"{value}" for value in change.values())
                rows.append(row(f"{factor}: {told}", values, found, JUDGED))
                print(" | ".join(rows[-1]), flush=True)
            least = int(np.argmin(reached))
            if reached[least] < best - LEAST_GAIN:
                chosen, best = ways[least], reached[least]
    print("\nThe way of refining\n")
    print(markdown(headings(worlds, JUDGED), rows))
    print(f"chosen: {chosen}", flush=True)
    return chosen


def others(world: World, first_seed: int) -> dict[str, np.ndarray]:
    """What other ways of spending trainings find, float64 (searches, seeds, 3) for 0, 10, 20."""
    result = {}
    settings = world.settings
    for name, contestant in CONTESTANTS.items():
        result[name] = np.zeros((len(world.pools), len(world.pools[0]), 3))
        for s, pools in enumerate(world.pools):
            for n, pool in enumerate(pools):
                values = np.stack(
                    [averaged(world.networks[pool, i], settings.average) for i in range(3)], axis=1
                )
                known = Candidates(values, world.observed[pool], settings)
                for k, count in enumerate((0, *JUDGED)):
                    rng = np.random.default_rng(first_seed + n)
                    trained = contestant(known, count, rng) if count else []
                    best = max(trained, key=lambda i: known.observed[i]) if trained else None
                    if best is None:
                        at_random = name == "random choice"
                        best = rng.integers(len(pool)) if at_random else known.order()[0]
                    result[name][s, n, k] = world.truth[pool[best]]
    return result


def confirm(
    worlds: Sequence[World], chosen: Way, beside: Way, first_seed: int, workers: int
) -> None:
    """The chosen way against a second one, today's and the others; prints the tables."""
    counts = (0, *JUDGED)
    with ProcessPoolExecutor(workers) as pool:
        run = partial(finds, worlds=worlds, first_seed=first_seed)
        own, second, before = pool.map(run, [chosen, beside, Way()])
        rest = list(pool.map(partial(others, first_seed=first_seed), worlds))
    mine = {name: values[..., list(counts)] for name, values in own.items()}
    ways: dict[str, Found] = {
        "beside": {name: values[..., list(counts)] for name, values in second.items()},
        "before": {name: values[..., list(counts)] for name, values in before.items()},
    }
    for name in CONTESTANTS:
        ways[name] = {w.name: each[name] for w, each in zip(worlds, rest, strict=True)}
    rows = []
    for k, count in enumerate(counts):
        for name, found in {"chosen": mine, **ways}.items():
            cells = [str(count), name]
            differences = []
            for world in worlds:
                cells.append(_told(found[world.name][..., k], ".4g"))
                less = regrets({world.name: found[world.name]}, [world])[world.name]
                own_regret = regrets({world.name: mine[world.name]}, [world])[world.name]
                differences.append((less - own_regret)[..., k].mean(0))
            cells.append("—" if name == "chosen" else _told(np.mean(differences, 0), "+.2f"))
            rows.append(cells)
    names = [world.name for world in worlds]
    print(markdown(["trainings", "way", *names, "regret above the chosen"], rows))
    for name, found in {"chosen": mine, "beside": ways["beside"]}.items():
        parts = []
        for world in worlds:
            after, earlier = (regrets(f, worlds)[world.name] for f in (found, ways["before"]))
            parts.append((earlier - after).mean(0))
        for what, which in (("0", [0]), ("10 and 20", [1, 2])):
            for label, some in (("nas-bench-201", parts[:1]), ("the mean of the tables", parts)):
                less = np.mean([each[:, which].mean(1) for each in some], 0)
                print(f"{name}: on {label} regret less by {_told(less, '+.2f')} at {what}\n")
    print(ceilings(worlds, chosen.order))


def ceilings(worlds: Sequence[World], order: str) -> str:
    """What one training as the observation can give at best."""
    rows = []
    for world in worlds:
        found = []
        for pools in world.pools:
            for pool in pools:
                cost = (ORDERS | WITH_PARAMETERS)[order](costs_of(world, pool))
                first = pool[np.argsort(cost, kind="stable")[:100]]
                found.append(
                    [
                        world.truth[first[np.argmax(world.observed[first])]],
                        world.truth[first].max(),
                        world.truth[pool[np.argmax(world.observed[pool])]],
                        world.truth[pool].max(),
                    ]
                )
        every = [world.truth[np.argmax(world.observed)], world.truth.max()]
        rows.append([world.name, *(f"{v:.5g}" for v in (*np.mean(found, 0), *every))])
    names = [
        f"{what}{where}"
        for where in ("first 100", "all candidates", "the world")
        for what in ("highest observed of ", "best of ")
    ]
    return markdown(["table", *names], rows)


def way_of(changes: Sequence[str]) -> Way:
    """The way before the study with some fields changed."""
    kinds = {each.name: type(getattr(Way(), each.name)) for each in fields(Way)}
    pairs = (each.split("=", 1) for each in changes)
    read = {
        name: value == "True" if kinds[name] is bool else kinds[name](value)
        for name, value in pairs
    }
    return Way(**read)  # type: ignore[arg-type]


def _told(values: np.ndarray, style: str) -> str:
    mean, low, high = interval(values)
    return f"{mean:{style}} ({low:{style}} to {high:{style}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("select", "confirm"))
    parser.add_argument("run", type=Path, help="directory of an exhaustive search")
    parser.add_argument("--table", required=True, help="of NAS-Bench-201")
    parser.add_argument("--tables", type=Path, required=True, help="directory of the others")
    parser.add_argument("--images", required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--observed", default="cifar10_test200_seed1")
    parser.add_argument("--truth", default="cifar10_test200")
    parser.add_argument("--way", nargs="*", default=[], metavar="NAME=VALUE", help="confirm this")
    parser.add_argument("--beside", nargs="*", default=[], metavar="NAME=VALUE", help="and this")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    half = 0 if arguments.part == "select" else 1
    first_seed = 100 if arguments.part == "select" else 0
    seeds = range(first_seed, first_seed + 10)
    batch = tegnas.load_batch(arguments.images, seed=0)
    worlds = [
        nas_bench_201_world(
            arguments.run, arguments.table, arguments.observed, arguments.truth, seeds, half
        ),
        *(
            table_world(f"{arguments.tables}/{t}", batch, arguments.store, seeds, half)
            for t in TABLES
        ),
    ]
    if arguments.part == "select":
        select(worlds, first_seed, arguments.workers)
        return
    chosen, beside = way_of(arguments.way), way_of(arguments.beside)
    confirm(worlds, chosen, beside, first_seed, arguments.workers)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"refine_study: {error}") from None
