"""T, E and G over the course of a search, and how they are traded for each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tegnas.analysis.figures.style import GREY, LABELS, SERIES, new_figure
from tegnas.analysis.landscape import best_so_far
from tegnas.analysis.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = ("kappa", "regions", "mse")


def drawn_values(run: Run) -> dict[str, np.ndarray]:
    """κ and MSE as logarithms, R as it is, over the history; failures are NaN."""
    history = run.result.history
    columns = {name: np.array([getattr(each, name) for each in history]) for name in _NAMES}
    failed = ~(np.isfinite(columns["kappa"]) & np.isfinite(columns["mse"]))
    for name in ("kappa", "mse"):
        with np.errstate(divide="ignore"):
            columns[name] = np.log10(columns[name])
    for values in columns.values():
        values[failed] = np.nan
    return columns


def history_figure(runs: Sequence[Run]) -> Figure:
    """T, E and G of every evaluation, and of the best by rank-sum so far as a line."""
    figure, axes = new_figure(1, 3, size=(11.4, 3.6))
    for run, colour in zip(runs, SERIES * len(runs), strict=False):
        path = best_so_far(run.result.history)
        for axis, (name, values) in zip(axes.flat, drawn_values(run).items(), strict=True):
            at = np.arange(1, len(values) + 1)
            axis.scatter(at, values, s=4, alpha=0.3, color=colour, lw=0, rasterized=True)
            if path:
                steps = [*path, len(values) - 1]
                best = values[[*path, path[-1]]]
                axis.plot(np.add(steps, 1), best, drawstyle="steps-post", color=colour, lw=1.8)
            axis.set_ylabel(LABELS[name])
            axis.set_xlabel("evaluations")
    handles = _legend(runs)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle("Dots: every architecture. Lines: the best by rank-sum so far.", fontsize=10)
    return figure


def pareto_indices(costs: np.ndarray) -> np.ndarray:
    """Rows of (A, D) costs that no other row equals or beats in all of them, in order of row."""
    finite = np.flatnonzero(np.isfinite(costs).all(1))
    order = finite[np.lexsort(costs[finite].T[::-1])]
    front: list[int] = []
    for row in order:
        if not any((costs[kept] <= costs[row]).all() for kept in front):
            front.append(int(row))
    return np.array(sorted(front), dtype=np.int64)


def pareto_figure(runs: Sequence[Run]) -> Figure:
    """Each two of T, E and G; architectures that nothing beats in all three stand out."""
    figure, axes = new_figure(1, 3, size=(11.4, 3.7))
    columns = [drawn_values(run) for run in runs]
    joined = {name: np.concatenate([each[name] for each in columns]) for name in _NAMES}
    costs = np.stack([joined["kappa"], -joined["regions"], joined["mse"]], 1)
    front = pareto_indices(np.where(np.isnan(costs), np.inf, costs))
    pairs = (("kappa", "regions"), ("kappa", "mse"), ("regions", "mse"))
    for axis, (x, y) in zip(axes.flat, pairs, strict=True):
        axis.scatter(
            joined[x], joined[y], s=5, alpha=0.35, color=GREY, lw=0, rasterized=True,
            label="every architecture",
        )  # fmt: skip
        axis.scatter(
            joined[x][front], joined[y][front], s=22, color=SERIES[1], edgecolor="white", lw=0.5,
            label="not beaten in all three",
        )  # fmt: skip
        axis.set_xlabel(LABELS[x])
        axis.set_ylabel(LABELS[y])
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _legend(runs: Sequence[Run]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=colour, lw=1.8, label=run.label)
        for run, colour in zip(runs, SERIES * len(runs), strict=False)
    ]
