"""Scores against accuracy: values, and rank against rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tegnas.analysis.comparison import Comparison
from tegnas.analysis.comparison_rows import interval_text
from tegnas.analysis.correlation import Correlation
from tegnas.analysis.figures.style import BLUE, VERMILION, literal, new_figure
from tegnas.indicators.base import Indicator
from tegnas.scoring.ranking import ranks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PER_ROW = 5


def scatter_figure(comparison: Comparison) -> Figure:
    """Accuracy over every score; architectures that failed stand at the right or left edge."""
    return _panels(comparison, _scatter, "test accuracy, %", "Scores at initialisation")


def rank_figure(comparison: Comparison) -> Figure:
    """Rank by accuracy over rank by every score; 1 is best."""
    return _panels(comparison, _rank_rank, "rank by accuracy", "Rank by score (1 is best)")


def _panels(comparison: Comparison, draw: Any, ylabel: str, heading: str) -> Figure:
    rows = -(-len(comparison.columns) // _PER_ROW)
    figure, axes = new_figure(rows, _PER_ROW, size=(2.5 * _PER_ROW, 2.4 * rows + 0.4), sharey=True)
    correlations = comparison.strata["all"]
    for axis, each in zip(axes.flat, correlations, strict=False):
        indicator = comparison.indicators.get(each.name)
        draw(axis, each, comparison.columns[each.name], comparison.accuracy, indicator)
    for axis in axes.flat[len(correlations) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel(ylabel)
    figure.suptitle(f"{heading}, {len(comparison.archs):,} architectures", fontsize=11)
    return figure


def _scatter(
    axis: Any,
    each: Correlation,
    score: np.ndarray,
    accuracy: np.ndarray,
    indicator: Indicator | None,
) -> None:
    label, values = each.name, score
    if indicator is not None:
        label, values = indicator.axis, indicator.drawn(indicator.cost(-score))
        values[np.isnan(score)] = np.nan
    elif " + " in each.name:
        label, values = f"rank score of {each.name}", -score
    finite = np.isfinite(values)
    axis.scatter(values[finite], accuracy[finite], **_dots(len(values), BLUE))
    if (~finite).any():
        # In the axis' own width: failed architectures have no place on its scale.
        failed = accuracy[~finite]
        axis.scatter(
            np.full(len(failed), 0.99),
            failed,
            transform=axis.get_yaxis_transform(),
            marker="x",
            s=14,
            linewidths=0.7,
            color=VERMILION,
            label=f"{len(failed)} failed",
        )
        axis.legend(loc="lower left", fontsize=7, frameon=False, handletextpad=0.1)
    axis.set_xlabel(literal(label))
    _title(axis, each)


def _rank_rank(
    axis: Any,
    each: Correlation,
    score: np.ndarray,
    accuracy: np.ndarray,
    indicator: Indicator | None,
) -> None:
    known = ~np.isnan(score)
    x, y = ranks(-score[known]), ranks(-accuracy[known])
    axis.plot([1, len(x)], [1, len(x)], color="0.7", linewidth=0.8, zorder=0)
    axis.scatter(x, y, **_dots(len(x), BLUE))
    axis.set_xlabel(literal(each.name))
    margin = 0.02 * len(x)  # so that the dots of the first and the last are whole
    axis.set_xlim(len(x) + margin, 1 - margin)
    axis.set_ylim(len(x) + margin, 1 - margin)
    _title(axis, each)


def _title(axis: Any, each: Correlation) -> None:
    axis.set_title(f"τ = {each.tau.value:.2f}{interval_text(each.tau)}", fontsize=9)


def _dots(count: int, colour: str) -> dict[str, Any]:
    crowd = count > 2000
    return {
        "s": 2 if crowd else 8,
        "alpha": 0.25 if crowd else 0.55,
        "color": colour,
        "lw": 0,
        "rasterized": crowd,  # thousands of vector circles make files of many megabytes
    }
