"""The course of pruning: when each operation went, and what stayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tegnas.analysis.figures.choices import box, grid, width_of
from tegnas.analysis.operation_names import operation_name
from tegnas.analysis.pruning import Pruning

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pruning_figure(course: Pruning, title: str = "") -> Figure:
    """Edges from top to bottom, operations from left to right, in each the round of its end.

    The bluer, the longer it stayed; what was left at the end is written out.
    """
    names = [operation_name(each) for each in course.operations]
    axis, figure = grid(list(course.edges), width_of(names), len(names), title, names)
    for row, column in np.argwhere(course.rounds >= 0).tolist():
        ended = int(course.rounds[row, column])
        text = f"round {ended}" if ended else "stayed"
        share = 0.6 * ended / (course.count + 1) if ended else 1.0
        box(axis, column, row, text, share)
    return figure
