"""Correlation of T, E, G and their rank score with true accuracy, one architecture per class.

    python bench/correlation.py --images FILE.npz --table TABLE.csv [--write FILE.md]

Draws as ``tegnas correlate`` does, but by the column iso_class of the table, so that the numbers
don't depend on tegnas' own notion of isomorphism.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from pathlib import Path

import tegnas
from tegnas.analysis.comparison import compare
from tegnas.analysis.comparison_rows import comparison_markdown
from tegnas.analysis.score_table import ScoreTable
from tegnas.cli.correlation_tables import print_comparison
from tegnas.scoring.presets import describe
from tegnas.scoring.settings import changed


def draw_architectures(path: str, column: str, count: int, seed: int) -> dict[str, float]:
    """One random architecture of each of ``count`` random classes, with its accuracy."""
    classes: dict[str, list[tuple[str, float]]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row[column]:
                classes.setdefault(row["iso_class"], []).append((row["arch"], float(row[column])))
    rng = random.Random(seed)
    return dict(rng.choice(classes[key]) for key in rng.sample(sorted(classes), count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--column", default="cifar10_test200")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--preset", default="best")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="also write the table as Markdown")
    arguments = parser.parse_args()

    space = tegnas.get_space("nas-bench-201")
    accuracies = draw_architectures(
        arguments.table, arguments.column, arguments.count, arguments.seed
    )
    batch = tegnas.load_batch(arguments.images, seed=arguments.seed)
    start = time.perf_counter()
    settings = changed(tegnas.get_preset(arguments.preset), seed=arguments.seed)
    scores = tegnas.score(accuracies, batch, space=space, settings=settings)
    seconds = time.perf_counter() - start
    comparison = compare(ScoreTable.of(space, scores), accuracies)
    if arguments.write:
        arguments.write.write_text(comparison_markdown(comparison))
    print_comparison(
        comparison,
        title=f"{arguments.images}, {describe(settings)}, seed {arguments.seed}, scored in "
        f"{seconds:.0f} s",
    )


if __name__ == "__main__":
    main()
