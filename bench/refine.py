"""What a few trainings add to a search: ``tegnas refine`` against other ways to spend them.

    tegnas search --strategy exhaustive --images FILE.npz --out runs/all
    python bench/refine.py nas-bench-201 runs/all --table TABLE.csv --images FILE.npz
    python bench/refine.py table TABLE.csv#observed#truth … --images FILE.npz --store DIRECTORY

The first form searches the half of NAS-Bench-201 that the table knows with every strategy and ten
seeds, 300 evaluations each, whose scores the exhaustive run knows, and refines each search by
looking up the accuracy of one seed; what the find is worth is the mean over seeds. The second form
scores 300 random architectures of each table, which are kept in the store; a seed draws 200 of them
as what was searched. Writes tables in Markdown to docs/refine.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from refine_contestants import CONTESTANTS, Candidates
from refine_worlds import World, labels, nas_bench_201_world, table_world
from searches_tables import markdown, name_of

import tegnas
from tegnas.benchmarks import AccuracyTable
from tegnas.data import Batch
from tegnas.refine import TableTrainer, refine
from tegnas.scoring.average import averaged
from tegnas.scoring.scores import Scores

TRAININGS = (0, 10, 20)
RESAMPLES = 10_000

OWN, OWN_ALONE = "tegnas refine", "tegnas refine, no neighbours"

# Truth of the find by way and number of trainings, one row per search: (searches,).
Finds = dict[tuple[str, int], list[float]]


def spend(
    world: World,
    pool: np.ndarray,
    trainer: TableTrainer,
    seed: int,
    near: Mapping[str, Any] | None,
    finds: Finds,
) -> int:
    """Every way on one search; returns how many neighbours were scored for the most trainings."""
    settings = world.settings
    values = [
        averaged(world.networks[pool, i], settings.average) for i in range(len(settings.names))
    ]
    observed, truth = world.observed[pool], world.truth[pool]
    candidates = Candidates(np.stack(values, axis=1), observed, settings)
    scores = Scores(
        tuple(world.archs[index] for index in pool),
        settings,
        {name: torch.from_numpy(world.networks[pool, i]) for i, name in enumerate(settings.names)},
    )
    extra = 0
    for count in TRAININGS:
        for name, way in CONTESTANTS.items():
            trained = way(candidates, count, np.random.default_rng(seed)) if count else []
            best = max(trained, key=lambda i: observed[i]) if trained else candidates.order()[0]
            if count == 0 and name == "random choice":
                best = np.random.default_rng(seed).integers(len(truth))
            finds.setdefault((name, count), []).append(float(truth[best]))
        for name in (OWN_ALONE,) if near is None else (OWN_ALONE, OWN):
            result = refine(
                scores,
                trainer,
                count,
                space=world.space,
                seed=seed,
                **({} if near is None or name == OWN_ALONE else near),
            )
            assert result.best.truth is not None
            finds.setdefault((name, count), []).append(result.best.truth)
            extra = result.scored
    return extra


def trainer_of(world: World) -> TableTrainer:
    """Looks up what the world knows."""
    rows = {
        str(arch): {"observed": float(observed), "truth": float(truth)}
        for arch, observed, truth in zip(world.archs, world.observed, world.truth, strict=True)
    }
    tables = [
        AccuracyTable(rows, ("observed", "truth"), each, world.name)
        for each in ("observed", "truth")
    ]
    return TableTrainer(world.space, *tables)


def finds_table(finds: Finds, seeds: int, ways: Sequence[str]) -> str:
    """Mean truth of the finds with 95 % intervals of the mean, and of what refine is above."""
    headings = ["trainings", "way", "truth of the find", "refine is above by"]
    own = OWN if (OWN, TRAININGS[0]) in finds else OWN_ALONE
    rows = []
    for count in TRAININGS:
        for name in ways:
            values = np.array(finds[name, count]).reshape(-1, seeds)
            row = [str(count), name, _interval(values)]
            difference = np.array(finds[own, count]).reshape(-1, seeds) - values
            rows.append([*row, "—" if name == own else _interval(difference, "+.3f")])
    return markdown(headings, rows)


def _interval(values: np.ndarray, style: str = ".3f") -> str:
    """Mean over searches (strategies, seeds) and its 95 % interval, seeds being drawn again."""
    rng = np.random.default_rng(0)
    seeds = values.shape[1]
    resampled = values[:, rng.integers(seeds, size=(RESAMPLES, seeds))].mean(axis=(0, 2))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return f"{values.mean():{style}} ({low:{style}} to {high:{style}})"


def strategies_table(finds: Mapping[str, Finds]) -> str:
    """A row per strategy: what refine finds with each number of trainings."""
    rows = [
        [name_of(label), *(f"{np.mean(own[OWN, count]):.3f}" for count in TRAININGS)]
        for label, own in finds.items()
    ]
    return markdown(["search", *(f"{count} trainings" for count in TRAININGS)], rows)


def nas_bench_201(arguments: argparse.Namespace, seeds: Sequence[int]) -> str:
    """The first form."""
    batch = tegnas.load_batch(arguments.images, seed=0)
    world = nas_bench_201_world(
        arguments.run, arguments.table, arguments.observed, arguments.truth, seeds
    )
    trainer = trainer_of(world)
    near = {"batch": batch, "shared": arguments.run / "scores.sqlite"}
    finds: dict[str, Finds] = {}
    extra = []
    for label, pools in zip(labels(world.space), world.pools, strict=True):
        own = finds.setdefault(label, {})
        for seed, pool in zip(seeds, pools, strict=True):
            extra.append(spend(world, pool, trainer, seed, near, own))
            print(label, seed, *(f"{values[-1]:.2f}" for values in own.values()), flush=True)
    together: Finds = {}
    for own in finds.values():
        for key, values in own.items():
            together.setdefault(key, []).extend(values)
    return "\n".join(
        [
            finds_table(together, len(seeds), [OWN, OWN_ALONE, *CONTESTANTS]),
            f"{OWN} by strategy:\n",
            strategies_table(finds),
            f"The table knows {len(world.archs):,} architectures, the best has "
            f"{world.truth.max():.2f}. Neighbours scored for {TRAININGS[-1]} trainings: "
            f"{np.mean(extra):.0f} on average.\n",
        ]
    )


def table(arguments: argparse.Namespace, text: str, batch: Batch, seeds: Sequence[int]) -> str:
    """The second form, one table of it."""
    world = table_world(text, batch, arguments.store, seeds)
    trainer = trainer_of(world)
    finds: Finds = {}
    (pools,) = world.pools
    for seed, pool in zip(seeds, pools, strict=True):
        spend(world, pool, trainer, seed, None, finds)
    _, observed, truth = text.rsplit("#", 2)
    return "\n".join(
        [
            f"**{world.name}**, observed {observed}, truth {truth} (best of the "
            f"{len(world.archs)}: {world.truth.max():.5g}):\n",
            finds_table(finds, len(seeds), [OWN_ALONE, *CONTESTANTS]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    forms = parser.add_subparsers(dest="form", required=True)
    first, second = forms.add_parser("nas-bench-201"), forms.add_parser("table")
    first.add_argument("run", type=Path, help="directory of an exhaustive search")
    first.add_argument("--table", required=True, help="accuracies of NAS-Bench-201")
    first.add_argument("--observed", default="cifar10_test200_seed1")
    first.add_argument("--truth", default="cifar10_test200")
    second.add_argument("tables", nargs="+", metavar="TABLE.csv#observed#truth")
    second.add_argument("--store", type=Path, required=True, help="where scores are kept")
    for each in (first, second):
        each.add_argument("--images", required=True)
        each.add_argument("--seeds", type=int, default=10)
        each.add_argument("--first-seed", type=int, default=0)
        each.add_argument("--out", type=Path, default=Path("docs/refine"))
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    if arguments.form == "table":
        batch = tegnas.load_batch(arguments.images, seed=0)
        parts = [table(arguments, each, batch, seeds) for each in arguments.tables]
        text, name = "\n".join(parts), "tables"
    else:
        text, name = nas_bench_201(arguments, seeds), arguments.form
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{name}.md").write_text(text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"refine: {error}") from None
