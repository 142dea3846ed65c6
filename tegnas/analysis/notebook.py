"""How scores and results look in a notebook: a table with small bars, and the best cells drawn."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from tegnas.errors import InputError
from tegnas.indicators.base import Indicator
from tegnas.scoring.evaluation import Evaluation
from tegnas.spaces import get_space, space_names

# Rows of a table; of more architectures the best are shown.
_ROWS = 20
_CELLS = 3

# Beside a number, as long as the value is good among the rows: the best fills it.
_BAR = (
    '<div style="background:#8885;width:6em;height:.35em">'
    '<div style="background:#3b6fb6;height:100%;width:{share:.0f}%"></div></div>'
)


def evaluations_html(
    ranked: Sequence[Evaluation], positions: Sequence[int], space: str, notes: Sequence[str]
) -> str:
    """The best architectures with their indicators.

    Args:
        ranked: best first.
        positions: of each, counted from 1; those that tie share one.
        space: its name; the cells of the best are drawn where it has such.
        notes: sentences to stand below.
    """
    shown = ranked[:_ROWS]
    more = len(ranked) - len(shown)
    texts = [*notes, *([f"and {more:,} more"] if more else [])]
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in texts)
    return _table(shown, positions) + _cells(space, shown[:_CELLS]) + paragraphs


def _table(shown: Sequence[Evaluation], positions: Sequence[int]) -> str:
    if not shown:
        return "<p>no architectures</p>"
    indicators = shown[0].settings.indicators
    headings = [
        "",
        "architecture",
        *(f"{each.label}, {each.better} is better" for each in indicators),
    ]
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    columns = [
        _with_bars(each, [row.values[index] for row in shown])
        for index, each in enumerate(indicators)
    ]
    rows = "".join(
        f"<tr><td>{position}</td><td><code>{escape(str(row.arch))}</code></td>{''.join(cells)}</tr>"
        for position, row, cells in zip(positions, shown, zip(*columns, strict=True), strict=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _with_bars(indicator: Indicator, values: Sequence[float]) -> list[str]:
    """The cells of one column."""
    costs = indicator.cost(indicator.drawn(np.array(values)))
    known = costs[np.isfinite(costs)]
    cells = []
    for value, cost in zip(values, costs, strict=True):
        bar = ""
        if np.isfinite(cost):
            spread = known.max() - known.min()
            bar = _BAR.format(share=100 * (known.max() - cost) / spread if spread > 0 else 100)
        cells.append(f"<td>{escape(indicator.text(value))}{bar}</td>")
    return cells


def _cells(name: str, best: Sequence[Evaluation]) -> str:
    """Pictures of cells; nothing where the space has none, isn't known by name, or matplotlib is
    missing."""
    if name not in space_names():
        return ""
    space = get_space(name)
    pictures = []
    for position, each in enumerate(best, start=1):
        try:
            from tegnas.analysis.figures.cell import cell_figure

            figure = cell_figure(space, each.arch)
        except (ImportError, InputError):
            return ""
        text = io.StringIO()
        figure.savefig(text, format="svg", bbox_inches="tight")
        data = base64.b64encode(text.getvalue().encode()).decode()
        pictures.append(
            f'<img alt="cell of architecture {position}" style="max-width:32%" '
            f'src="data:image/svg+xml;base64,{data}">'
        )
    return f"<div>{''.join(pictures)}</div>"
