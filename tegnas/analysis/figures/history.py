"""The indicators over the course of a search, and how they are traded for each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tegnas.analysis.figures.style import GREY, SERIES, axis_label, literal, panels, wider
from tegnas.analysis.landscape import best_so_far
from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable, joined
from tegnas.search.constraints import COST_NAMES
from tegnas.search.evaluation import columns_of
from tegnas.spaces.factorised import Supernet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def history_table(run: Run) -> ScoreTable:
    """The history of a search as a table, supernets included."""
    history = run.result.history
    values = np.stack(columns_of(history), 1)
    archs = tuple(each.arch for each in history)
    return ScoreTable(run.scores.space, archs, run.result.best.settings, values)


def history_figure(runs: Sequence[Run]) -> Figure:
    """The indicators of every evaluation, and of the best so far as a line."""
    indicators = runs[0].scores.indicators
    figure, axes = panels(len(indicators), size=(3.8, 3.6))
    for place, (run, colour) in enumerate(zip(runs, SERIES * len(runs), strict=False)):
        width = 1.5 + wider(place, len(runs))
        path = best_so_far(run.result.history)
        drawn = history_table(run).drawn()
        for axis, each in zip(axes, indicators, strict=True):
            values = drawn[each.name]
            at = np.arange(1, len(values) + 1)
            axis.scatter(at, values, **_dots(len(values)), color=colour)
            if path:
                steps = [*path, len(values) - 1]
                best = values[[*path, path[-1]]]
                axis.plot(np.add(steps, 1), best, drawstyle="steps-post", color=colour, lw=width)
            axis.set_ylabel(axis_label(each))
            axis.set_xlabel("evaluations")
    handles = _legend(runs)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    supernets = any(isinstance(each.arch, Supernet) for run in runs for each in run.result.history)
    dots = "every evaluation, supernets included" if supernets else "every evaluation"
    figure.suptitle(f"Dots: {dots}. Lines: the best so far by rank score.", fontsize=10)
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
    """Each two indicators, the Pareto front of all marked; and the front of a cost, if there is."""
    table = joined([history_table(run) for run in runs])
    pairs = list(itertools.combinations(table.indicators, 2)) or [(table.indicators[0],) * 2]
    fronts = [run.result.pareto for run in runs if run.result.pareto is not None]
    costs = list(dict.fromkeys(front.objective for front in fronts))
    figure, axes = panels(len(pairs) + len(costs), size=(3.8, 3.7))
    for axis, cost in zip(axes[len(pairs) :], costs, strict=True):
        _cost_front(axis, runs, cost)
    drawn = table.drawn()
    front = pareto_indices(front_costs(table))
    for axis, (x, y) in zip(axes, pairs, strict=False):
        axis.scatter(
            drawn[x.name],
            drawn[y.name],
            **_dots(len(table)),
            color=GREY,
            label="every architecture",
        )
        axis.scatter(
            drawn[x.name][front], drawn[y.name][front], s=22, color=SERIES[1],
            edgecolor="white", lw=0.5, label="Pareto front of all indicators",
        )  # fmt: skip
        axis.set_xlabel(axis_label(x))
        axis.set_ylabel(axis_label(y))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _cost_front(axis: Any, runs: Sequence[Run], cost: str) -> None:
    """Rank score against cost, in steps: what lies above them is beaten in both."""
    for run, colour in zip(runs, SERIES * len(runs), strict=False):
        front = run.result.pareto
        if front is None or front.objective != cost:
            continue
        axis.plot(
            [each.cost for each in front.points],
            [each.rank_score for each in front.points],
            drawstyle="steps-post", marker="D", markersize=4, color=colour, lw=1.5,
            label=f"Pareto front, {literal(run.label)}",
        )  # fmt: skip
    axis.set_xlabel(f"{COST_NAMES[cost]} (lower is better)")
    axis.set_ylabel("rank score (lower is better)")
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.xaxis.get_major_locator().set_params(nbins=4)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axis.legend(fontsize=8, frameon=False)


def _dots(count: int) -> dict[str, Any]:
    """Smaller and paler, the more there are."""
    few = count <= 300
    return {"s": 12 if few else 4, "alpha": 0.5 if few else 0.3, "lw": 0, "rasterized": True}


def front_costs(table: ScoreTable) -> np.ndarray:
    """The indicators as costs, (A, indicators); a failure is inf in each."""
    costs = np.stack(list(table.costs().values()), 1)
    costs[table.failed | np.isnan(costs).any(1)] = np.inf
    return costs


def _legend(runs: Sequence[Run]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=colour, lw=1.8, label=literal(run.label))
        for run, colour in zip(runs, SERIES * len(runs), strict=False)
    ]
