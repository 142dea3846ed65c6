"""How a refinement looks in a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tegnas.cli.architecture_text import Written
from tegnas.cli.progress import Pace
from tegnas.cli.tables import for_command, plain_table
from tegnas.cli.terminal import output
from tegnas.refine import RefineProgress, RefineResult, Training


class RefineView(Progress):
    """A bar over trainings, with the best accuracy so far and the time left.

    Where there is no terminal, a line now and then.
    """

    def __init__(self, trainings: int, console: Console, *, disable: bool = False) -> None:
        super().__init__(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[best]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=disable or not console.is_terminal or trainings == 0,
        )
        self._pace = None if disable or console.is_terminal else Pace()
        self._bar = self.add_task("", total=trainings, count=f"0/{trainings}", best="")

    def show(self, state: RefineProgress) -> None:
        """How far it is."""
        best = "" if state.best is None else f"best {state.best:.2f} %"
        count = f"{int(state.done)}/{state.trainings}"
        if self._pace is not None and self._pace.due(state.done >= state.trainings):
            line = f"training {int(state.done)} of {state.trainings}"
            print(", ".join(filter(None, [line, best])), file=sys.stderr, flush=True)
        self.update(self._bar, completed=state.done, count=count, best=best)


def print_refined(result: RefineResult, directory: Path, written: Written) -> None:
    """What was trained and why, what is best, how sure that is, and what to do next."""
    console = output()
    if result.trained:
        console.print(_table(result, written))
    best = result.best
    accuracies = [
        f"{name} {value:.2f} %"
        for name, value in (("observed", best.observed), ("truth", best.truth))
        if value is not None
    ]
    words = [f"Best of {result.candidates:,} candidates: {written(best.arch)}", *accuracies]
    _say(console, ", ".join(words))
    if result.scored:
        _say(console, f"{result.scored:,} of them are neighbours of the best, scored on the way")
    for sentence in result.conclusions():
        _say(console, sentence)
    _say(console, f"Saved in {directory}: refined.json, trainings.json")
    where = for_command(directory, result.space)
    _say(console, f"Next: tegnas export {where} -o network.py")
    _say(console, f"      tegnas train {where}")
    _say(console, "More --trainings go on from here.")


def _table(result: RefineResult, written: Written) -> Table:
    table = plain_table("Trained, in this order")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("architecture")
    table.add_column("why")
    table.add_column("observed %", justify="right")
    with_truth = any(each.truth is not None for each in result.trained)
    if with_truth:
        table.add_column("truth %", justify="right")
    for number, each in enumerate(result.trained, start=1):
        cells: list[RenderableType] = [
            str(number),
            written(each.arch),
            each.why,
            observed_text(each),
        ]
        if with_truth:
            cells.append("unknown" if each.truth is None else f"{each.truth:.2f}")
        table.add_row(*cells)
    return table


def observed_text(each: Training) -> str:
    """The accuracy, with a word on one that was stopped early."""
    assert each.outcome is not None
    stopped = f" (stopped after {len(each.outcome.epochs)})" if each.outcome.stopped else ""
    return f"{each.observed:.2f}{stopped}"


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
