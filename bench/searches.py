"""What the searches find, and what it costs: every strategy, ten seeds, presets side by side.

    python bench/searches.py --images FILE.npz --table TABLE.csv [--readme README.md]
    python bench/searches.py --images FILE.npz --space darts
    python bench/searches.py --images FILE.npz --space nats-size     # or mobilenet, or FILE.py:NAME

Runs ``tegnas compare`` with the preset best and, on NAS-Bench-201, then with fast, and
writes the table to docs/searches. Every score is kept in --runs: the same command goes on where it
was stopped. Scores are shared between runs, and the seconds of a run are those that its own scores
took when they were computed. ``--quick`` is a check of two seeds.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping
from pathlib import Path

from machine import describe_machine
from searches_contestants import COMPARISONS, Comparison, contestants, evaluations
from searches_tables import comparison_table, describe_table, replace_section

import tegnas
from tegnas.benchmarks import AccuracyTable
from tegnas.cli.progress import search_progress
from tegnas.data import Batch
from tegnas.scoring import get_preset
from tegnas.scoring.settings import changed
from tegnas.search import Progress
from tegnas.search.compare import ComparisonRow, compare
from tegnas.spaces import Space

# The share of evaluations that no other search of ten seeds has made before.
NEW = 0.6


def seconds_per_score(space: Space, batch: Batch, settings: tegnas.ScoreSettings) -> float:
    """Mean over a few architectures scored one by one, as most strategies ask for them."""
    rng = random.Random(0)
    archs = [space.sample(rng) for _ in range(8)]
    tegnas.score(archs[:1], batch, space=space, settings=settings)
    start = time.perf_counter()
    for arch in archs:
        tegnas.score([arch], batch, space=space, settings=settings)
    return (time.perf_counter() - start) / len(archs)


def run(
    space: Space,
    batch: Batch,
    preset: str,
    seeds: list[int],
    budget: int,
    out: Path,
    table: AccuracyTable | None,
    changes: Mapping[str, int],
) -> tuple[ComparisonRow, ...]:
    """One comparison, after a word on how long it may take."""
    settings, names = changed(get_preset(preset), **changes), contestants(space, budget)
    each = seconds_per_score(space, batch, settings)
    most = sum(len(seeds) * evaluations(name, space, budget) for name in names)
    print(
        f"{preset}: {1e3 * each:.0f} ms per architecture, {most:,} evaluations: about "
        f"{NEW * most * each / 60:.0f} min, at most {most * each / 60:.0f}",
        flush=True,
    )
    with search_progress(as_json=False) as view:

        def show(label: str, seed: int, state: Progress) -> None:
            view.show(f"{preset}, {label}, seed {seed}", state)

        return compare(
            space,
            batch,
            names,
            seeds,
            budget,
            out=out,
            settings=settings,
            accuracy=table.accuracy if table else None,
            progress=show,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--space", default="nas-bench-201", help="or FILE.py:NAME, with --budget")
    parser.add_argument("--table", metavar="FILE.csv[#COLUMN]", help="true accuracies")
    parser.add_argument("--presets", help="default: best; on NAS-Bench-201 best,fast")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, help="default: 100; 300 on DARTS and NATS sizes")
    parser.add_argument("--runs", type=Path, help="default: runs/searches-SPACE")
    parser.add_argument("--out", type=Path, default=Path("docs/searches"))
    parser.add_argument("--readme", type=Path, help="also put the table into this file")
    parser.add_argument("--busy", action="store_true", help="other work ran beside: no seconds")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()

    space = tegnas.get_space(arguments.space)
    table = tegnas.load_table(arguments.table) if arguments.table else None
    batch = tegnas.load_batch(arguments.images, seed=0)
    seeds = list(range(2 if arguments.quick else arguments.seeds))
    if space.name not in COMPARISONS and arguments.budget is None:
        raise tegnas.InputError(f"{space.name} has no budget of its own here; give --budget")
    comparison = COMPARISONS.get(space.name) or Comparison(arguments.budget)
    budget = arguments.budget or comparison.budget
    presets = arguments.presets.split(",") if arguments.presets else comparison.presets
    name = space.name if budget == comparison.budget else f"{space.name}-{budget}"
    runs = arguments.runs or Path(f"runs/searches-{name}{'-quick' * arguments.quick}")
    found = {
        preset: run(space, batch, preset, seeds, budget, runs / preset, table, comparison.changes)
        for preset in presets
    }
    machine = f"Machine: {describe_machine()}.\n"
    parts = [comparison_table(found, timed=not arguments.busy)]
    if table is not None:
        parts.append(describe_table(table))
    text = "\n".join([*parts, machine])
    print(text)
    if not arguments.quick:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / f"{name}.md").write_text(text)
        if arguments.readme:
            replace_section(arguments.readme, text)


if __name__ == "__main__":
    try:
        main()
    except tegnas.InputError as error:
        raise SystemExit(f"searches: {error}") from None
