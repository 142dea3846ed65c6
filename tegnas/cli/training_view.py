"""How a training looks in a terminal."""

from __future__ import annotations

import sys
import time

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tegnas.cli.architecture_text import Written
from tegnas.cli.progress import Pace
from tegnas.cli.tables import indicator_table, plain_table, print_used
from tegnas.cli.terminal import output
from tegnas.scoring.labels import combined_label
from tegnas.train import EpochReport, RankingCheck, Recipe


class EpochView(Progress):
    """A bar over epochs (or networks) with the last accuracy and the time of the end.

    Where there is no terminal, a line now and then.
    """

    def __init__(
        self, total: int, console: Console, *, unit: str = "epoch", disable: bool = False
    ) -> None:
        super().__init__(
            TextColumn(unit),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[end]}"),
            console=console,
            disable=disable or not console.is_terminal,
        )
        self._pace = None if disable or console.is_terminal else Pace()
        self._unit = unit
        self._total = total
        self._bar = self.add_task(unit, total=total, state="", end="")

    def show(self, report: EpochReport) -> None:
        """An epoch has ended."""
        state = f"loss {report.train_loss:.3f}, test {report.test_accuracy:.2f} %"
        self._update(report.epoch, state, (self._total - report.epoch) * report.seconds)

    def advance_to(self, done: int) -> None:
        """So many networks are trained."""
        elapsed = self.tasks[0].elapsed or 0.0
        self._update(done, "", (self._total - done) * elapsed / done)

    def _update(self, done: int, state: str, seconds_left: float) -> None:
        if self._pace is not None and self._pace.due(done >= self._total):
            left = f"about {seconds_left:,.0f} s left" if done < self._total else ""
            parts = filter(None, [f"{self._unit} {done:,} of {self._total:,}", state, left])
            print(", ".join(parts), file=sys.stderr, flush=True)
        end = time.strftime("ends %H:%M", time.localtime(time.time() + seconds_left))
        self.update(self._bar, completed=done, state=state, end=end)


def print_check(result: RankingCheck, recipe: Recipe, written: Written) -> None:
    """Each architecture with its accuracy and indicators, and how well the rankings agree."""
    combined = combined_label(result.scores.settings.indicators)
    table = indicator_table(
        f"{len(result.scores)} architectures after {recipe.epochs} epochs, by test accuracy",
        result.scores.settings.indicators,
    )
    table.add_column(f"position by {combined}", justify="right")
    table.add_column("test accuracy %", justify="right")
    ranking = result.scores.ranking().tolist()
    for position, index in enumerate(np.argsort(result.accuracies)[::-1], start=1):
        table.add_row(
            str(position),
            written(result.scores.archs[index]),
            *(
                each.text(result.scores[each.name][index].item())
                for each in result.scores.settings.indicators
            ),
            str(ranking[index] + 1),
            f"{result.accuracies[index]:.2f}",
        )
    agreement = plain_table("Agreement with accuracy (Kendall τ)")
    for name in result.taus:
        agreement.add_column(name, justify="right")
    agreement.add_row(*(f"{value:.2f}" for value in result.taus.values()))
    console = output()
    console.print(table)
    console.print(agreement)
    print_used(console, result.scores.settings, result.scores.warnings)
