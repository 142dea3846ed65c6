"""The parts of a report that answer to the pointer, by plotly."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from tegnas.analysis.figures.history import front_costs, history_table, pareto_indices
from tegnas.analysis.figures.landscape import SINGLE_LIMIT, path_colours, quantities, value_range
from tegnas.analysis.figures.style import SERIES, axis_label
from tegnas.analysis.landscape import Layout, best_so_far
from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable, joined
from tegnas.errors import InputError

_GRID = 44  # cells across a surface


def plotly() -> Any:
    """The package; ``InputError`` if it is missing."""
    try:
        import plotly
        import plotly.graph_objects
        import plotly.offline
        import plotly.subplots
    except ImportError:
        raise InputError(
            "a report needs the package plotly; install it with: pip install 'tegnas[plot]'"
        ) from None
    return plotly


def embed(figure: Any, name: str) -> str:
    """A figure as HTML that expects plotly in the page."""
    figure.update_layout(
        template="simple_white", font={"size": 12}, margin={"l": 60, "r": 20, "t": 40, "b": 50}
    )
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        config={"displaylogo": False, "responsive": True},
    )


def history_chart(runs: Sequence[Run]) -> Any:
    """The indicators of every evaluation, and of the best so far."""
    package = plotly()
    go = package.graph_objects
    indicators = runs[0].scores.indicators
    figure = package.subplots.make_subplots(1, len(indicators), horizontal_spacing=0.08)
    for run, colour in zip(runs, SERIES * len(runs), strict=False):
        history, path = run.result.history, best_so_far(run.result.history)
        archs = [_as_it_is(each.arch) for each in history]
        for column, values in enumerate(history_table(run).drawn().values(), start=1):
            at = np.arange(1, len(values) + 1)
            figure.add_trace(
                go.Scatter(
                    x=at, y=_plain(values), mode="markers", text=archs, showlegend=False,
                    legendgroup=run.name, marker={"color": colour, "size": 4, "opacity": 0.3},
                    hovertemplate="%{text}<br>evaluation %{x}: %{y:.4g}<extra></extra>",
                ),
                1, column,
            )  # fmt: skip
            if path:
                places = [*path, len(values) - 1]
                figure.add_trace(
                    go.Scatter(
                        x=np.add(places, 1), y=_plain(values[[*path, path[-1]]]), mode="lines",
                        line={"color": colour, "shape": "hv", "width": 2.5},
                        name=_as_it_is(run.label), legendgroup=run.name, showlegend=column == 1,
                        text=[archs[index] for index in [*path, path[-1]]],
                        hovertemplate="best so far: %{text}<br>%{y:.4g}<extra></extra>",
                    ),
                    1, column,
                )  # fmt: skip
    for column, each in enumerate(indicators, start=1):
        figure.update_xaxes(title_text="evaluations", row=1, col=column)
        figure.update_yaxes(title_text=axis_label(each), row=1, col=column)
    figure.update_layout(height=400, legend={"orientation": "h", "y": 1.12})
    return figure


def pareto_chart(runs: Sequence[Run]) -> Any:
    """The first indicator against the second, coloured by the third where there is one.

    Architectures that nothing beats in all of them stand out.
    """
    go = plotly().graph_objects
    table = joined([history_table(run) for run in runs])
    x, y, *others = [*table.indicators, *table.indicators][:3]
    drawn = table.drawn()
    archs = np.array([str(arch) for arch in table.archs])
    costs = front_costs(table)
    front = pareto_indices(costs)
    known = np.flatnonzero(np.isfinite(costs).all(1))
    shade = drawn[others[0].name] if len(table.indicators) > 2 else None
    text = [_values_text(table, index) for index in range(len(archs))]
    hover = "%{text}<extra></extra>"
    colours: dict[str, Any] = {}
    if shade is not None:
        low, high = value_range(shade[known])
        colours = {"colorscale": "Cividis", "cmin": low, "cmax": high}

    def marker(places: np.ndarray, **more: Any) -> dict[str, Any]:
        shaded = {} if shade is None else {"color": shade[places], **colours}
        return {**shaded, **more}

    bar = {} if shade is None else {
        "colorbar": {"title": {"text": axis_label(others[0]), "side": "right"}}
    }  # fmt: skip
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=drawn[x.name][known], y=drawn[y.name][known], mode="markers",
            text=[text[index] for index in known], hovertemplate=hover,
            name="every architecture", marker=marker(known, size=5, opacity=0.5, **bar),
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=drawn[x.name][front], y=drawn[y.name][front], mode="markers",
            text=[text[index] for index in front], hovertemplate=hover,
            name="not beaten in all of them",
            marker=marker(
                front, size=11, symbol="diamond", line={"color": SERIES[1], "width": 2}
            ),
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=axis_label(x))
    figure.update_yaxes(title_text=axis_label(y))
    figure.update_layout(height=480, legend={"orientation": "h", "y": 1.1})
    return figure


def _values_text(table: ScoreTable, index: int) -> str:
    return f"{_as_it_is(table.archs[index])}<br>" + ", ".join(
        f"{_as_it_is(each.symbol)} {each.text(table[each.name][index])}"
        for each in table.indicators
    )


def landscape_chart(
    layout: Layout, scores: ScoreTable, runs: Sequence[Run], accuracy: np.ndarray | None
) -> Any:
    """Medians over a grid for every quantity, with the paths of the searches."""
    package = plotly()
    drawn = quantities(scores, accuracy)
    rows = -(-len(drawn) // 2)
    titles = list(drawn)
    figure = package.subplots.make_subplots(
        rows, 2, subplot_titles=titles, horizontal_spacing=0.14, vertical_spacing=0.3 / rows
    )
    for place, values in enumerate(drawn.values()):
        row, column = place // 2 + 1, place % 2 + 1
        surface = _surface(package.graph_objects, layout, scores, values)
        figure.add_trace(surface, row, column)
        axes = figure.get_subplot(row, column)
        (_, right), (bottom, top) = axes.xaxis.domain, axes.yaxis.domain
        surface = figure.data[-1]
        bar = {"x": right + 0.005, "y": (bottom + top) / 2, "len": top - bottom, "thickness": 12}
        (surface if surface.type == "heatmap" else surface.marker).colorbar = bar
        for run, colour in zip(runs, path_colours(len(runs)), strict=True):
            for trace in _path(package.graph_objects, layout, run, colour, place == 0):
                figure.add_trace(trace, row, column)
    figure.update_xaxes(title_text="first direction")
    figure.update_yaxes(title_text="second direction")
    figure.update_layout(height=430 * rows + 60, legend={"orientation": "h", "y": 1 + 0.14 / rows})
    return figure


def _surface(go: Any, layout: Layout, scores: ScoreTable, values: np.ndarray) -> Any:
    known = np.flatnonzero(np.isfinite(values))
    low, high = value_range(values[known])
    if len(known) <= SINGLE_LIMIT:
        return go.Scatter(
            x=layout.points[known, 0], y=layout.points[known, 1], mode="markers",
            text=[_as_it_is(layout.archs[i]) for i in known], showlegend=False,
            marker={
                "size": 6, "color": values[known], "colorscale": "Cividis", "cmin": low,
                "cmax": high, "showscale": True,
            },
            hovertemplate="%{text}<br>%{marker.color:.4g}<extra></extra>",
        )  # fmt: skip
    edges = [np.linspace(*_widened(layout.points[:, axis]), _GRID + 1) for axis in range(2)]
    cells = [np.digitize(layout.points[known, axis], edges[axis]) - 1 for axis in range(2)]
    members: dict[tuple[int, int], list[int]] = {}
    for index, column, row in zip(known, *cells, strict=True):
        members.setdefault((row, column), []).append(index)
    z: list[list[float | None]] = [[None] * _GRID for _ in range(_GRID)]
    text = [[""] * _GRID for _ in range(_GRID)]
    sums = scores.rank_score
    for (row, column), inside in members.items():
        best = min(inside, key=lambda index: sums[index])
        z[row][column] = float(np.median(values[inside]))
        text[row][column] = (
            f"{len(inside)} architectures, best by rank score:<br>{_as_it_is(scores.archs[best])}"
        )
    return go.Heatmap(
        x=(edges[0][1:] + edges[0][:-1]) / 2,
        y=(edges[1][1:] + edges[1][:-1]) / 2,
        z=z,
        text=text,
        colorscale="Cividis",
        zmin=low,
        zmax=high,
        hoverongaps=False,
        hovertemplate="median %{z:.4g} of %{text}<extra></extra>",
    )


def _path(go: Any, layout: Layout, run: Run, colour: str, legend: bool) -> list[Any]:
    history = run.result.history
    path = best_so_far(history)
    if not path:
        return []
    points = layout.position([history[index].arch for index in path])
    text = [
        f"{_as_it_is(run.label)}, evaluation {index + 1}<br>{_as_it_is(each.arch)}<br>"
        + ", ".join(
            f"{_as_it_is(indicator.symbol)} {indicator.text(value)}"
            for indicator, value in zip(each.settings.indicators, each.values, strict=True)
        )
        for index, each in ((index, history[index]) for index in path)
    ]
    count = len(path)
    symbols = ["circle", *["circle-open"] * (count - 2), "star"][:count] if count > 1 else ["star"]
    sizes = [11, *[7] * (count - 2), 17][:count] if count > 1 else [17]
    return [
        go.Scatter(
            x=points[:, 0], y=points[:, 1], mode="lines+markers", text=text, showlegend=legend,
            legendgroup=run.name, name=f"{_as_it_is(run.label)} (● first, ★ best)",
            line={"color": colour, "width": 2},
            marker={
                "symbol": symbols, "size": sizes, "color": colour,
                "line": {"color": "white", "width": 1}, "opacity": 1,
            },
            hovertemplate="%{text}<extra></extra>",
        )
    ]  # fmt: skip


def _widened(values: np.ndarray) -> tuple[float, float]:
    margin = 1e-6 + 0.01 * (values.max() - values.min())
    return values.min() - margin, values.max() + margin


def _as_it_is(text: object) -> str:
    """For plotly, which reads tags in a text: a link in the name of a strategy, say."""
    return escape(str(text), quote=False)


def _plain(values: np.ndarray) -> list[float | None]:
    """NaN as None: JSON has no NaN."""
    return [float(value) if np.isfinite(value) else None for value in values]
