"""Kendall τ of every score on every task, as dots with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tegnas.analysis.benchmarking.rows import PART, PUBLISHED, RECIPE, BenchmarkRow
from tegnas.analysis.figures.style import BLUE, GREY, SKY, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {RECIPE: BLUE, PART: SKY, PUBLISHED: GREY}
_PER_ROW = 3


def benchmark_figure(rows: Sequence[BenchmarkRow]) -> Figure:
    """One panel per task, the scores below each other in one order, best mean τ on top."""
    tasks = list(dict.fromkeys((row.benchmark, row.task) for row in rows))
    lines = -(-len(tasks) // _PER_ROW)
    longest = max(len([row for row in rows if (row.benchmark, row.task) == each]) for each in tasks)
    figure, axes = new_figure(
        lines, min(_PER_ROW, len(tasks)), size=(4.2 * _PER_ROW, (0.22 * longest + 0.9) * lines)
    )
    for axis, (benchmark, task) in zip(axes.flat, tasks, strict=False):
        of_task = [row for row in rows if (row.benchmark, row.task) == (benchmark, task)]
        for place, row in enumerate(of_task):
            colour = _COLOURS[row.kind]
            axis.plot([row.tau.low, row.tau.high], [place, place], color=colour, linewidth=1.2)
            axis.plot([row.tau.value], [place], "o", color=colour, markersize=4)
        axis.axvline(0, color="0.7", linewidth=0.8, zorder=0)
        axis.set_yticks(range(len(of_task)), [literal(row.score) for row in of_task], fontsize=7)
        axis.invert_yaxis()
        axis.set_xlim(-1, 1)
        axis.set_title(literal(f"{benchmark}, {task}"), fontsize=9)
        axis.set_xlabel("Kendall τ")
    for axis in axes.flat[len(tasks) :]:
        axis.set_visible(False)
    return figure
