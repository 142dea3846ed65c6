"""``tegnas report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tegnas import benchmarks
from tegnas.analysis.landscape import check_layout
from tegnas.analysis.report import write_report
from tegnas.analysis.runs import all_scores, load_runs
from tegnas.analysis.sampling import with_neighbours
from tegnas.cli import options
from tegnas.spaces import get_space

Table = Annotated[
    str | None,
    typer.Option(metavar="FILE.csv[#[-]COLUMN]", help="True accuracies: shown and drawn."),
]
Layout = Annotated[str, typer.Option(metavar="pls|pca|mds", help="How architectures are laid out.")]


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path("report.html"),
    table: Table = None,
    space: options.RunSpace = None,
    indicator: options.RunIndicator = None,
    layout: Layout = "pls",
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
    what can be had together, the importance of each choice, a table of all evaluations, and the
    settings to run it again. `tegnas watch` shows the same of searches that are running.
    """
    check_layout(layout)
    loaded = load_runs(
        runs, None if space is None else get_space(space), options.read_indicators(indicator)
    )
    scores = with_neighbours(loaded, all_scores(loaded), neighbours) if neighbours else None
    write_report(loaded, out, scores=scores, accuracies=read_accuracies(table), layout=layout)
    print(out)


def read_accuracies(table: str | None) -> dict[str, float]:
    """All that a table knows, in percent by architecture string."""
    if table is None:
        return {}
    known = benchmarks.load_table(table)
    return {arch: value for arch in known if (value := known.accuracy(arch)) is not None}
