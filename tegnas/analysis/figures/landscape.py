"""Landscapes of indicators and accuracy in the plane, searches over them, slices through them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tegnas.analysis.figures.style import (
    ACCURACY_AXIS,
    COLOUR_MAP,
    SERIES,
    axis_label,
    literal,
    new_figure,
    panels,
    wider,
)
from tegnas.analysis.landscape import METHODS, Layout, best_so_far
from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable
from tegnas.indicators.base import HIGHER, LOWER
from tegnas.scoring.labels import combined_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELLS = 28  # hexagons across
_LINE = 30  # letters along the axis of a slice
# Up to so many architectures each is drawn by itself, beyond in hexagons or squares.
SINGLE_LIMIT = 2000


@dataclass(frozen=True, eq=False)
class Drawn:
    """A quantity: the label of its axis, its values, NaN where there is none, and its good end."""

    label: str
    values: np.ndarray
    better: str


def quantities(scores: ScoreTable, accuracy: np.ndarray | None) -> list[Drawn]:
    """What is drawn; failures and unknown values are NaN."""
    columns = scores.drawn()
    found = [Drawn(axis_label(each), columns[each.name], each.better) for each in scores.indicators]
    combined = f"rank score of {combined_label(scores.indicators)} (lower is better)"
    found.append(Drawn(combined, np.where(scores.failed, np.nan, scores.rank_score), LOWER))
    if accuracy is not None and np.isfinite(accuracy).any():
        found.append(Drawn(ACCURACY_AXIS, accuracy, HIGHER))
    return found


def landscape_figure(
    layout: Layout,
    scores: ScoreTable,
    runs: Sequence[Run] = (),
    accuracy: np.ndarray | None = None,
) -> Figure:
    """A surface for every quantity: the median of the architectures in each hexagon, or dots.

    Over it the paths of the searches, through each architecture that was the best so far, from
    a circle to a star; one that another covers is wider. Bright is good everywhere.
    ``accuracy``: percent (A,), NaN where unknown.
    """
    drawn = quantities(scores, accuracy)
    columns = 3 if len(drawn) > 4 else 2
    rows = -(-len(drawn) // columns)
    figure, axes = new_figure(
        rows, columns, size=(4.1 * columns, 3.6 * rows + 0.7), sharex=True, sharey=True
    )
    for axis, quantity in zip(axes.flat, drawn, strict=False):
        _surface(figure, axis, layout, quantity)
        for place, (run, colour) in enumerate(zip(runs, path_colours(len(runs)), strict=True)):
            _path(axis, layout, run, colour, wider(place, len(runs)))
    for axis in axes.flat[len(drawn) :]:
        axis.set_visible(False)
    for axis in axes.flat[len(drawn) - columns : len(drawn)]:  # the lowest of every column
        axis.set_xlabel("first direction")
        axis.tick_params(labelbottom=True)
    for axis in axes[:, 0]:
        axis.set_ylabel("second direction")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    how = METHODS[layout.method].partition(":")[0]
    figure.suptitle(
        f"{literal(scores.space.name)}, {len(scores):,} architectures laid out by {how}",
        fontsize=11,
    )
    return figure


def slice_figure(
    steps: Sequence[Sequence[int]], scores: ScoreTable, accuracy: np.ndarray | None, ends: str
) -> Figure:
    """Each quantity along a slice: median and range of the architectures at every step.

    ``steps``: for each number of changed choices, indices into ``scores``.
    """
    drawn = quantities(scores, accuracy)
    figure, axes = panels(len(drawn), size=(3.3, 3.3))
    at = np.arange(len(steps))
    for axis, quantity, colour in zip(axes, drawn, itertools.cycle(SERIES), strict=False):
        groups = [quantity.values[list(step)] for step in steps]
        known = np.array([np.isfinite(group).any() for group in groups])
        low, middle, high = (
            np.array([f(group) for group, any_ in zip(groups, known, strict=True) if any_])
            for f in (np.nanmin, np.nanmedian, np.nanmax)
        )
        axis.fill_between(at[known], low, high, color=colour, alpha=0.2, lw=0, label="range")
        axis.plot(at[known], middle, color=colour, marker="o", markersize=4, label="median")
        axis.set_xlabel("choices changed")
        # A label longer than the axis would run into the title.
        name = quantity.label
        axis.set_ylabel(name if len(name) <= _LINE else name.replace(" (", "\n("))
        axis.set_xticks(at)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(f"Slice from {literal(ends)}, over every order of the changes", fontsize=10)
    return figure


def _surface(figure: Any, axis: Any, layout: Layout, quantity: Drawn) -> None:
    values, lower = quantity.values, quantity.better == LOWER
    known = np.isfinite(values)
    x, y = layout.points[known].T
    low, high = value_range(values[known])
    colour_map = f"{COLOUR_MAP}_r" if lower else COLOUR_MAP
    colours: dict[str, Any] = {"vmin": low, "vmax": high, "cmap": colour_map}
    if known.sum() > SINGLE_LIMIT:
        drawn = axis.hexbin(
            x,
            y,
            C=values[known],
            reduce_C_function=np.median,
            gridsize=_CELLS,
            linewidths=0.1,
            **colours,
        )
    else:
        drawn = axis.scatter(x, y, c=values[known], s=10, **colours)
    bar = figure.colorbar(drawn, ax=axis, extend="both", shrink=0.9)
    if lower:
        bar.ax.invert_yaxis()  # the good end is up in every panel
    bar.set_label(quantity.label, fontsize=8)
    bar.ax.tick_params(labelsize=7)


def value_range(values: np.ndarray) -> tuple[float, float]:
    """Ends of the colours: the middle 90 %, so that a few extremes don't wash out the rest."""
    if len(values) == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, [5, 95])
    return float(low), float(high if high > low else low + 1)


def _path(axis: Any, layout: Layout, run: Run, colour: str, more: float) -> None:
    history = run.result.history
    archs = [history[index].arch for index in best_so_far(history)]
    if not archs:
        return
    x, y = layout.position(archs).T
    outline = {"markeredgecolor": "white", "markeredgewidth": 0.8, "color": colour}
    width, larger = 1.3 + more, 2.3 * more
    axis.plot(x, y, color="white", lw=width + 1.3, alpha=0.8)
    axis.plot(x, y, color=colour, lw=width, label=f"{literal(run.label)} (○ first, ★ best)")
    axis.plot(x[:1], y[:1], "o", markersize=7 + larger, **outline)
    axis.plot(x[-1:], y[-1:], "*", markersize=13 + larger, **outline)


def path_colours(count: int) -> list[str]:
    """Colours for the paths of searches, apart from those of the surface."""
    # Blue and yellow are the surface's own; vermilion comes first.
    order = (SERIES[1], SERIES[3], SERIES[5], SERIES[2], SERIES[4])
    return [order[index % len(order)] for index in range(count)]
