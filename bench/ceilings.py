"""How far a score can get on each benchmark: what other scores reach, and what training knows.

    python bench/ceilings.py --tables DIR --results OUT/benchmark.json [--results MORE.json ...]

Of every table and task Kendall's τ with the trained quality: of ``best``, of its T + E + G alone,
of these with the pattern rank at the weight of each, of the best other single number, and of
trained quality itself, taken from other columns of the same table: another training, the first
epochs of it, or trainings for other tasks. All but the last are read from what ``tegnas benchmark
--also best+pattern_rank=1,… --out OUT`` wrote; a score that is in several files counts as in the
first. A table's own columns of sizes and training-free scores count too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tegnas.benchmarks import Benchmark, load_benchmark
from tegnas.scoring.ranking import kendall_tau, ranks

# What a column is called, and which score it is of.
OURS = {
    "`best`": "best: T + E + G + ½ PR",
    "T + E + G": "best: T + E + G",
    "T + E + G + PR": "best + pattern_rank=1",
}
# Recipes and their parts but PR: what is asked here is what others than T, E and G reach.
OWN, EXTRA = ("best", "fast"), "best: PR"


@dataclass(frozen=True)
class Training:
    """A column of trained quality that is compared with a task's, and in which words."""

    column: str
    words: str


# Which tasks of a table are looked at, and what their training is compared with. Tables that aren't
# here have tasks of different data, of which a score that knows no task has one order.
TRAININGS: Mapping[str, Mapping[str, Training | None]] = {
    "nas-bench-201": {"cifar10_test200": Training("cifar10_test200_seed1", "another training")},
    "nas-bench-101": {"test_mean": Training("val_mean", "the same trainings, other images")},
    "darts-cifar10": {"test_acc50": Training("valid_acc10", "10 of 50 epochs")},
    "nas-bench-301": {"acc": None},
    "nas-bench-macro": {"s0": Training("s1", "another training")},
    "mnasnet-imagenet": {"val_top1": None},
}
# Of a table that holds ways of training besides tasks, the tasks trained alike.
ALIKE = {
    "vit-bench-101": [
        ("c100_base_acc", "flower_base_acc", "chaoyang_base_acc"),
        ("c100_kd_acc", "flower_kd_acc", "chaoyang_kd_acc"),
    ]
}
OTHER_TASKS = "trainings for the other tasks (mean rank)"


def trainings(benchmark: Benchmark) -> Iterator[tuple[str, np.ndarray | None, str]]:
    """Task, what its training is compared with (None: nothing), and in which words."""
    if benchmark.name in TRAININGS:
        for task, training in TRAININGS[benchmark.name].items():
            if training is None:
                yield task, None, ""
            else:
                yield task, benchmark.truth[training.column], training.words
        return
    for group in ALIKE.get(benchmark.name, [tuple(benchmark.truth)]):
        known = ~np.isnan([benchmark.truth[task] for task in group]).any(0)
        for task in group:
            others = np.full(len(benchmark.archs), np.nan)
            others[known] = sum(
                ranks(benchmark.truth[each][known]) for each in group if each != task
            )
            yield task, others, OTHER_TASKS


def tau(order: np.ndarray, truth: np.ndarray) -> float:
    """Over the architectures of which both are known."""
    known = ~(np.isnan(order) | np.isnan(truth))
    return kendall_tau(ranks(order[known]), truth[known])


def read(results: Sequence[Path]) -> dict[tuple[str, str], dict[str, dict]]:
    """Rows of every benchmark and task by score."""
    found: dict[tuple[str, str], dict[str, dict]] = {}
    for path in results:
        for row in json.loads(path.read_text())["rows"]:
            found.setdefault((row["benchmark"], row["task"]), {}).setdefault(row["score"], row)
    return found


def is_own(score: str) -> bool:
    """Whether it is a recipe with T, E and G, one of these, or a mixture with a recipe."""
    return score != EXTRA and score.split(":")[0].split(" + ")[0] in OWN


def cell(row: Mapping) -> str:
    interval = row["tau"]
    return f"{interval['value']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--results", type=Path, action="append", required=True)
    options = parser.parse_args()
    found = read(options.results)
    benchmarks = [load_benchmark(path) for path in sorted(options.tables.glob("*.csv"))]
    ours = " | ".join(OURS)
    print(f"| table | task | {ours} | best other number | of | what training says | τ |")
    print("|---|---" + "|--:" * len(OURS) + "|---|--:|---|--:|")
    for benchmark in benchmarks:
        for task, training, words in trainings(benchmark):
            scores = found.get((benchmark.name, task))
            if scores is None or not set(OURS.values()) <= scores.keys():
                continue
            others = [row for name, row in scores.items() if not is_own(name)]
            best = max(others, key=lambda row: row["tau"]["value"])
            agree = "" if training is None else f"{tau(training, benchmark.truth[task]):.2f}"
            name = "pattern_rank" if best["score"] == EXTRA else best["score"]
            first = f"{name}: {cell(best)}"
            cells = " | ".join(cell(scores[name]) for name in OURS.values())
            print(
                f"| {benchmark.name} | {task} | {cells} | {first} | {len(others)} | {words} "
                f"| {agree} |"
            )


if __name__ == "__main__":
    main()
