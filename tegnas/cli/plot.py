"""``tegnas plot``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from tegnas import benchmarks
from tegnas.analysis.encoding import slice_between
from tegnas.analysis.figures.cell import cell_figure
from tegnas.analysis.figures.history import history_figure, pareto_figure
from tegnas.analysis.figures.landscape import landscape_figure, slice_figure
from tegnas.analysis.figures.style import save
from tegnas.analysis.landscape import best_so_far, lay_out
from tegnas.analysis.ruggedness import agreement, landscape_ruggedness
from tegnas.analysis.runs import Run, all_scores, load_runs, searches
from tegnas.analysis.sampling import with_neighbours
from tegnas.analysis.score_table import ScoreTable
from tegnas.cli import options
from tegnas.cli.ruggedness_table import print_ruggedness, ruggedness_json
from tegnas.errors import InputError
from tegnas.files import write_atomically
from tegnas.spaces import get_space

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Name(str, Enum):
    """The figures."""

    landscape = "landscape"
    slice = "slice"
    history = "history"
    pareto = "pareto"
    cell = "cell"


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory for the figures.")] = Path(
        "figures"
    ),
    figure: Annotated[
        list[Name] | None, typer.Option(help="Only this figure (repeatable); default all.")
    ] = None,
    space: options.RunSpace = None,
    indicator: options.RunIndicator = None,
    layout: Annotated[
        str, typer.Option(metavar="pls|pca|mds", help="How architectures are laid out.")
    ] = "pls",
    table: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv[#[-]COLUMN]", help="True accuracies: drawn as well."),
    ] = None,
    neighbours: Annotated[
        int,
        typer.Option(
            help="Score up to so many random neighbours of the best on the way, for the landscape "
            "of a large space."
        ),
    ] = 0,
    svg: Annotated[bool, typer.Option(help="Write SVG beside PNG.")] = True,
) -> None:
    """Draw runs: landscapes, the paths of the searches, their course, the best.

    The landscape is made of every architecture that one of the runs has scored; give an exhaustive
    run as well to see the whole space; then its ruggedness is shown and goes to ruggedness.json.
    """
    loaded = load_runs(
        runs, None if space is None else get_space(space), options.read_indicators(indicator)
    )
    scores = all_scores(loaded)
    if neighbours:
        scores = with_neighbours(loaded, scores, neighbours)
    accuracy = read_accuracy(scores, table)
    wanted = set(figure or Name)
    if not figure and len(scores) < 3:
        wanted.discard(Name.landscape)
        print(f"no landscape: the runs scored {len(scores)} architectures", file=sys.stderr)
    for name, drawn in _figures(wanted, loaded, scores, accuracy, layout):
        for suffix in ("png", "svg") if svg else ("png",):
            print(save(drawn, out / f"{name}.{suffix}"))
    if Name.landscape in wanted and len(scores) == len(scores.space):
        figures, agreements = landscape_ruggedness(scores, accuracy), agreement(scores)
        print_ruggedness(figures, agreements, len(scores))
        content = ruggedness_json(figures, agreements, len(scores))
        write_atomically(out / "ruggedness.json", json.dumps(content, indent=1) + "\n")


def read_accuracy(scores: ScoreTable, table: str | None) -> np.ndarray | None:
    """Accuracies of the scored architectures, NaN where the table has none."""
    if table is None:
        return None
    known = benchmarks.load_table(table).written_by(scores.space)
    values = [known.accuracy(str(arch)) for arch in scores.archs]
    if all(value is None for value in values):
        raise InputError(f"{table} holds none of the scored architectures")
    return np.array([np.nan if value is None else value for value in values])


def _figures(
    wanted: set[Name],
    runs: tuple[Run, ...],
    scores: ScoreTable,
    accuracy: np.ndarray | None,
    layout: str,
) -> Iterator[tuple[str, Figure]]:
    if Name.landscape in wanted:
        paths = [run for run in runs if not run.exhaustive]
        yield "landscape", landscape_figure(lay_out(scores, layout), scores, paths, accuracy)
    if Name.slice in wanted:
        steps = _slice(searches(runs)[0], scores)
        if steps is not None:
            ends = f"the first to the best architecture of {searches(runs)[0].label}"
            yield "slice", slice_figure(steps, scores, accuracy, ends)
    if Name.history in wanted:
        yield "history", history_figure(searches(runs))
    if Name.pareto in wanted:
        yield "pareto", pareto_figure(searches(runs))
    if Name.cell in wanted:
        for index, run in enumerate(runs):
            name = "cell" if len(runs) == 1 else f"cell-{index + 1}-{run.name}"
            yield name, cell_figure(scores.space, run.result.best.arch, f"best of {run.label}")


def _slice(run: Run, scores: ScoreTable) -> list[list[int]] | None:
    """Indices of the architectures between first and best; None if one isn't scored."""
    path = best_so_far(run.result.history)
    if not path:
        return None
    index = {arch: i for i, arch in enumerate(scores.archs)}
    steps = slice_between(
        scores.space, run.result.history[path[0]].arch, run.result.history[path[-1]].arch
    )
    if not all(arch in index for step in steps for arch in step):
        return None
    return [[index[arch] for arch in step] for step in steps]
