"""``tegnas report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tegnas import benchmarks
from tegnas.analysis.report import write_report
from tegnas.analysis.runs import all_scores, load_runs
from tegnas.analysis.sampling import with_neighbours
from tegnas.cli import options
from tegnas.spaces import get_space


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("report.html"),
    table: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv[#[-]COLUMN]", help="True accuracies: shown and drawn."),
    ] = None,
    space: options.RunSpace = None,
    layout: Annotated[
        str, typer.Option(metavar="pls|pca|mds", help="How architectures are laid out.")
    ] = "pls",
    neighbours: Annotated[
        int,
        typer.Option(
            help="Score up to so many random neighbours of the best on the way, for the landscape "
            "of a large space."
        ),
    ] = 0,
) -> None:
    """Write one HTML file about runs that opens anywhere, without a network.

    The best architectures as drawn cells, T, E and G over time, the searches on their landscapes,
    what can be had together, timing, and the settings to run it again.
    """
    accuracies = {}
    if table is not None:
        known = benchmarks.load_table(table)
        accuracies = {arch: value for arch in known if (value := known.accuracy(arch)) is not None}
    loaded = load_runs(runs, None if space is None else get_space(space))
    scores = with_neighbours(loaded, all_scores(loaded), neighbours) if neighbours else None
    write_report(loaded, out, scores=scores, accuracies=accuracies, layout=layout)
    print(out)
