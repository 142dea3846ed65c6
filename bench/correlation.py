"""Correlation of T, E, G and their rank-sum with true accuracy, one architecture per class.

    python bench/correlation.py --images FILE.npz --table TABLE.csv

The table needs the columns arch, iso_class and the accuracy. Architectures are drawn by seed, one
per class of isomorphism.
"""

from __future__ import annotations

import argparse
import csv
import random
import time

import numpy as np
from rich.console import Console
from rich.table import Table

import tegnas
from tegnas.analysis.correlation import correlate


def draw_architectures(
    path: str, column: str, count: int, seed: int
) -> tuple[list[str], list[float]]:
    """One random architecture of each of ``count`` random classes, with its accuracy."""
    classes: dict[str, list[tuple[str, float]]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row[column]:
                classes.setdefault(row["iso_class"], []).append((row["arch"], float(row[column])))
    rng = random.Random(seed)
    chosen = [rng.choice(classes[key]) for key in rng.sample(sorted(classes), count)]
    return [arch for arch, _ in chosen], [accuracy for _, accuracy in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--column", default="cifar10_test200")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--batch-norm", default="frozen")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    space = tegnas.get_space("nas-bench-201")
    archs, accuracy = draw_architectures(
        arguments.table, arguments.column, arguments.count, arguments.seed
    )
    batch = tegnas.load_batch(arguments.images, seed=arguments.seed)
    start = time.perf_counter()
    scores = tegnas.score(
        archs,
        batch,
        space=space,
        batch_norm=arguments.batch_norm,
        repeats=arguments.repeats,
        seed=arguments.seed,
    )
    seconds = time.perf_counter() - start
    columns = {
        "κ (T)": -scores.kappa.numpy(),
        "R (E)": scores.regions.numpy(),
        "MSE (G)": -scores.mse.numpy(),
        "T + E + G, rank-sum": -scores.rank_sum().numpy(),
        "number of convolutions": np.array([arch.count("conv") for arch in archs]),
    }
    table = Table(
        title=f"{len(archs)} architectures, {arguments.images}, {arguments.batch_norm}, "
        f"{arguments.repeats} repeats, seed {arguments.seed}, {seconds:.0f} s"
    )
    for heading in ("score", "Kendall τ", "95 % interval", "Spearman ρ"):
        table.add_column(heading)
    for name, values in columns.items():
        result = correlate(name, values, np.array(accuracy))
        interval = f"{result.low:.3f} to {result.high:.3f}"
        table.add_row(name, f"{result.tau:.3f}", interval, f"{result.rho:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
