"""Kendall τ of every score on every task, as dots with their intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tegnas.analysis.benchmarking.rows import PART, PUBLISHED, RECIPE, BenchmarkRow
from tegnas.analysis.figures.style import BLUE, GREY, SKY, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KINDS = {
    RECIPE: (BLUE, "recipe, or an indicator alone"),
    PART: (SKY, "part of the recipe"),
    PUBLISHED: (GREY, "column of the table"),
}

# Two panels beside each other, and letters of 9 points, can be read on a page 500 pixels wide.
_PER_ROW, _WIDTH, _LETTERS = 2, 7.4, 9
_LONGEST_LABEL = 28


def benchmark_figure(rows: Sequence[BenchmarkRow]) -> Figure:
    """One panel per task, the scores below each other in the order of the tables."""
    tasks = list(dict.fromkeys((row.benchmark, row.task) for row in rows))
    panels = [[row for row in rows if (row.benchmark, row.task) == each] for each in tasks]
    lines = [panels[first : first + _PER_ROW] for first in range(0, len(panels), _PER_ROW)]
    heights = [max(map(_height, line)) for line in lines]
    figure, axes = new_figure(
        len(lines),
        min(_PER_ROW, len(tasks)),
        size=(_WIDTH, sum(heights) + 0.4),
        gridspec_kw={"height_ratios": heights},
    )
    for axis, of_task in zip(axes.flat, panels, strict=False):
        places = _places(of_task)
        for place, row in zip(places, of_task, strict=True):
            colour, _ = _KINDS[row.kind]
            axis.plot([row.tau.low, row.tau.high], [place, place], color=colour, linewidth=1.5)
            axis.plot([row.tau.value], [place], "o", color=colour, markersize=5)
        axis.axvline(0, color="0.7", linewidth=0.8, zorder=0)
        axis.set_yticks(places, [_label(row) for row in of_task], fontsize=_LETTERS)
        axis.set_ylim(_lines(of_task), 0)
        axis.set_xlim(-1, 1)
        axis.tick_params(axis="x", labelsize=_LETTERS)
        axis.set_title(literal(f"{of_task[0].benchmark}\n{of_task[0].task}"), fontsize=_LETTERS)
    for axis in axes[-1]:
        axis.set_xlabel("Kendall τ", fontsize=_LETTERS)
    for axis in axes.flat[len(tasks) :]:
        axis.set_visible(False)
    present = [entry for kind, entry in _KINDS.items() if any(row.kind == kind for row in rows)]
    dots = [axes.flat[0].plot([], [], "o", color=colour, label=text)[0] for colour, text in present]
    figure.legend(handles=dots, loc="outside upper center", ncols=len(dots), fontsize=_LETTERS)
    return figure


def _label(row: BenchmarkRow) -> str:
    return literal("\n".join(textwrap.wrap(row.score, _LONGEST_LABEL)))


def _lines(rows: Sequence[BenchmarkRow]) -> int:
    return sum(1 + _label(row).count("\n") for row in rows)


def _places(rows: Sequence[BenchmarkRow]) -> list[float]:
    """The middle of each label, in lines from the top."""
    return [_lines(rows[:index]) + _lines([row]) / 2 for index, row in enumerate(rows)]


def _height(rows: Sequence[BenchmarkRow]) -> float:
    """Inches that a panel takes with its title."""
    return 0.85 + 0.2 * _lines(rows)
