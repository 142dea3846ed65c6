"""``tegnas plot``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
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
from tegnas.analysis.figures.pruning import pruning_figure
from tegnas.analysis.figures.style import save
from tegnas.analysis.landscape import best_so_far, check_layout, lay_out
from tegnas.analysis.pruning import pruning
from tegnas.analysis.ruggedness import agreement, landscape_ruggedness
from tegnas.analysis.runs import Run, all_scores, load_runs, searches
from tegnas.analysis.sampling import with_architectures, with_neighbours
from tegnas.analysis.score_table import ScoreTable
from tegnas.cli import options
from tegnas.cli.ruggedness_table import print_ruggedness, ruggedness_json
from tegnas.errors import InputError
from tegnas.files import write_atomically
from tegnas.spaces import Architecture, Space, get_space

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Name(str, Enum):
    """The figures."""

    landscape = "landscape"
    slice = "slice"
    history = "history"
    pareto = "pareto"
    cell = "cell"
    pruning = "pruning"


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory for the figures.")] = Path(
        "figures"
    ),
    figure: Annotated[
        list[Name] | None,
        typer.Option(
            help="Only this figure (repeatable), for which scores that it lacks are made; default "
            "all that need none."
        ),
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
    check_layout(layout)
    loaded = load_runs(
        runs, None if space is None else get_space(space), options.read_indicators(indicator)
    )
    scores = all_scores(loaded)
    if neighbours:
        scores = with_neighbours(loaded, scores, neighbours)
    accuracy = read_accuracy(scores, table)
    wanted = list(dict.fromkeys(figure or Name))
    drawers = _drawers(loaded, scores, accuracy, layout, table, add=bool(figure))
    for name in wanted:
        try:
            drawn = list(drawers[name]())
        except InputError as error:
            if figure:
                raise
            # The others are drawn all the same, and none of an earlier call stays in its place.
            print(f"no {name.value}: {error}{_removed(out, name)}", file=sys.stderr)
            continue
        for file, picture in drawn:
            for suffix in ("png", "svg") if svg else ("png",):
                print(save(picture, out / f"{file}.{suffix}"))
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


def _drawers(
    runs: tuple[Run, ...],
    scores: ScoreTable,
    accuracy: np.ndarray | None,
    layout: str,
    table: str | None,
    *,
    add: bool,
) -> dict[Name, Callable[[], Iterator[tuple[str, Figure]]]]:
    """What draws each figure, with the name of its file; ``InputError`` where it can't be drawn.

    ``add``: whether what a figure lacks is scored for it.
    """
    drawn = searches(runs)

    def landscape() -> Iterator[tuple[str, Figure]]:
        paths = [run for run in runs if not run.exhaustive]
        yield "landscape", landscape_figure(lay_out(scores, layout), scores, paths, accuracy)

    def along() -> Iterator[tuple[str, Figure]]:
        ends = f"the first to the best architecture of {drawn[0].label}"
        steps = _slice(drawn[0], scores.space)
        whole = _with_slice(drawn[0], scores, steps, add=add)
        index = {arch: place for place, arch in enumerate(whole.archs)}
        places = [[index[arch] for arch in step] for step in steps]
        known = accuracy if whole is scores else read_accuracy(whole, table)
        yield "slice", slice_figure(places, whole, known, ends)

    def history() -> Iterator[tuple[str, Figure]]:
        yield "history", history_figure(drawn)

    def pareto() -> Iterator[tuple[str, Figure]]:
        yield "pareto", pareto_figure(drawn)

    def cell() -> Iterator[tuple[str, Figure]]:
        for index, run in enumerate(runs, start=1):
            name = "cell" if len(runs) == 1 else f"cell-{index}-{run.name}"
            yield name, cell_figure(scores.space, run.result.best.arch, f"best of {run.label}")

    def pruned() -> Iterator[tuple[str, Figure]]:
        for index, run in enumerate(runs, start=1):
            course = pruning(scores.space, run.result.history)
            if course is not None:
                name = "pruning" if len(runs) == 1 else f"pruning-{index}-{run.name}"
                yield name, pruning_figure(course, run.label)
            elif add:
                raise InputError(f"{run.label} pruned no supernet")

    return {
        Name.landscape: landscape,
        Name.slice: along,
        Name.history: history,
        Name.pareto: pareto,
        Name.cell: cell,
        Name.pruning: pruned,
    }


def _slice(run: Run, space: Space) -> list[list[Architecture]]:
    """The architectures between the first and the best, by how far they are on the way.

    Raises ``InputError`` where the first is the best.
    """
    path = best_so_far(run.result.history)
    if len(path) < 2:
        raise InputError(f"{run.label} found nothing better than the first architecture")
    return slice_between(space, run.result.history[path[0]].arch, run.result.history[path[-1]].arch)


def _with_slice(
    run: Run, scores: ScoreTable, steps: list[list[Architecture]], *, add: bool
) -> ScoreTable:
    """Scores with those of a slice; ``InputError`` where some lack and none is to be added."""
    between = list(dict.fromkeys(arch for step in steps for arch in step))
    missing = len(set(between) - set(scores.archs))
    if missing and not add:
        raise InputError(
            f"{missing:,} of the {len(between):,} architectures between the first and the best of "
            f"{run.label} aren't scored; --figure slice scores them"
        )
    return with_architectures(run, scores, between)


def _removed(out: Path, name: Name) -> str:
    """Remove a figure of an earlier call; says so where there was one."""
    stale = [path for path in (out / f"{name.value}.{suffix}" for suffix in ("png", "svg"))
             if path.is_file()]  # fmt: skip
    for path in stale:
        path.unlink()
    return "; the one of an earlier call is removed" if stale else ""
