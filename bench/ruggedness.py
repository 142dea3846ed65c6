"""Random walks over search spaces: is a space smooth, and can T, E and G be had together there?

python bench/ruggedness.py --images digits --spaces nas-bench-201 darts [--write FILE.md]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import tegnas
from tegnas.analysis.sampling import SampledRuggedness, sample_ruggedness


def rows(columns: Sequence[SampledRuggedness]) -> list[list[str]]:
    """One row per figure, one column per space."""
    first = columns[0]
    table = [["", *(each.space for each in columns)]]
    table.append(["architectures", *(f"{each.count:,}" for each in columns)])
    table.append(["failed", *(f"{each.failed:,}" for each in columns)])
    for name in first.autocorrelation:
        values = [f"{each.autocorrelation[name]:.2f}" for each in columns]
        table.append([f"autocorrelation of {name}", *values])
    for name in first.agreement:
        values = [f"{each.agreement[name]:.2f}" for each in columns]
        table.append([f"agreement of {name} (τ)", *values])
    table.append(["not beaten in all of them", *(f"{100 * each.front:.1f} %" for each in columns)])
    return table


def markdown(table: Sequence[Sequence[str]]) -> str:
    """The rows as a table in Markdown."""
    header, *body = table
    lines = [header, ["---", *("---:" for _ in header[1:])], *body]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="digits")
    parser.add_argument("--spaces", nargs="+", default=["nas-bench-201", "darts"])
    parser.add_argument("--preset", default="best")
    parser.add_argument("--walks", type=int, default=16)
    parser.add_argument("--steps", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()

    batch = tegnas.load_batch(arguments.images, seed=0)
    columns = [
        sample_ruggedness(
            tegnas.get_space(name),
            batch,
            walks=arguments.walks,
            steps=arguments.steps,
            seed=arguments.seed,
            settings=tegnas.get_preset(arguments.preset),
        )
        for name in arguments.spaces
    ]
    text = markdown(rows(columns))
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
