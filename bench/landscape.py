"""The landscapes of NAS-Bench-201 that the documentation shows, and their ruggedness.

    python bench/landscape.py --images FILE.npz --table TABLE.csv

Scores the whole space (resumable, in --runs), searches it by evolution, REINFORCE and at random,
and writes the figures and the table of ruggedness to docs/landscapes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

import tegnas
from tegnas.analysis.encoding import slice_between
from tegnas.analysis.figures.landscape import landscape_figure, slice_figure
from tegnas.analysis.figures.style import save
from tegnas.analysis.landscape import lay_out
from tegnas.analysis.ruggedness import agreement, landscape_ruggedness
from tegnas.analysis.runs import all_scores, load_runs
from tegnas.cli.plot import read_accuracy
from tegnas.cli.ruggedness_table import ruggedness_json, ruggedness_markdown
from tegnas.spaces import NasBench201Architecture

# Different seeds: with the same one, evolution and random search begin at the same architecture.
SEARCHES = (("evolution", 500, 0), ("reinforce", 500, 1), ("random", 500, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/landscape"))
    parser.add_argument("--out", type=Path, default=Path("docs/landscapes"))
    arguments = parser.parse_args()

    space = tegnas.get_space("nas-bench-201")
    batch = tegnas.load_batch(arguments.images, seed=0)
    console = Console(stderr=True)
    paths = []
    for strategy, budget, seed in (("exhaustive", len(space), 0), *SEARCHES):
        paths.append(arguments.runs / strategy)
        with console.status(strategy) as status:
            tegnas.search(
                space,
                batch,
                strategy,
                budget,
                seed=seed,
                out=paths[-1],
                settings=tegnas.ScoreSettings(),
                progress=lambda state, name=strategy, line=status: line.update(
                    f"{name}: {state.done:,} of {state.budget:,}"
                ),
            )
    whole, *searches = load_runs(paths)
    scores = all_scores([whole])
    accuracy = read_accuracy(scores, arguments.table)
    save(
        landscape_figure(lay_out(scores), scores, searches, accuracy),
        arguments.out / "landscape.png",
    )
    # From the all-average-pool cell, a poor one, to the best.
    start = NasBench201Architecture(("avg_pool_3x3",) * 6)
    index = {arch: i for i, arch in enumerate(scores.archs)}
    steps = slice_between(space, start, whole.result.best.arch)
    places = [[index[arch] for arch in step] for step in steps]
    save(
        slice_figure(places, scores, accuracy, "the average-pool cell to the best"),
        arguments.out / "slice.png",
    )
    figures, agreements = landscape_ruggedness(scores, accuracy), agreement(scores)
    facts = ruggedness_json(figures, agreements, len(scores))
    (arguments.out / "ruggedness.json").write_text(json.dumps(facts, indent=1) + "\n")
    (arguments.out / "ruggedness.md").write_text(ruggedness_markdown(figures, agreements))


if __name__ == "__main__":
    main()
