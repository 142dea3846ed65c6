"""Computes the two studies and writes their tables.

    python -m bench.ranking select         --images FILE.npz --table TABLE.csv --cache DIR
    python -m bench.ranking confirm        --images FILE.npz --table TABLE.csv --cache DIR
    python -m bench.ranking second-select  --images FILE.npz --table TABLE.csv --cache DIR
    python -m bench.ranking second-confirm --images FILE.npz --table TABLE.csv --cache DIR

``select`` works on the selection half alone; ``confirm`` was run once, when everything was chosen.
That of the first study also judges the selection half by the same scores, and all rows of the
table, as published figures do.
Features are kept in the cache directory, so a run that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from bench.ranking.confirm import confirmed_table
from bench.ranking.costs import costs_table
from bench.ranking.figures import networks_figure, shortcut_figure
from bench.ranking.halves import CONFIRMING, EVERYTHING, SELECTION, read_half
from bench.ranking.second import SECOND_TABLES
from bench.ranking.second_confirm import second_confirmed_tables
from bench.ranking.study import Study
from bench.ranking.tables import TABLES

FIRST_TABLES = TABLES | {"costs": costs_table}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ranking")
    parser.add_argument("part", choices=["select", "confirm", "second-select", "second-confirm"])
    parser.add_argument("--images", required=True)
    parser.add_argument("--table", required=True, type=Path)
    parser.add_argument("--cache", required=True, type=Path)
    parser.add_argument("--only", choices=[*FIRST_TABLES, *SECOND_TABLES], help="one table")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", type=Path, default=Path("docs/ranking"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.write.mkdir(parents=True, exist_ok=True)
    if arguments.part == "second-confirm":
        texts = second_confirmed_tables(arguments.table, arguments.images, arguments.cache)
        for name, text in texts.items():
            _write(arguments.write / f"{name}.md", text)
        return
    if arguments.part == "confirm":
        for name in (CONFIRMING, SELECTION, EVERYTHING):
            half = read_half(arguments.table, name)
            text = confirmed_table(half, arguments.images, arguments.cache)
            _write(arguments.write / f"{name}.md", text)
        return
    half = read_half(arguments.table, SELECTION)
    study = Study(half, arguments.images, arguments.cache)
    second = arguments.part == "second-select"
    for name, make in (SECOND_TABLES if second else FIRST_TABLES).items():
        if arguments.only in (None, name):
            _write(arguments.write / f"{name}.md", make(study))
    if arguments.only is None:
        draw = shortcut_figure if second else networks_figure
        draw(study, arguments.write / ("second.png" if second else "networks.png"))


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    print(f"{path}\n{text}", flush=True)


if __name__ == "__main__":
    main()
