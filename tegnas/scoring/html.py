"""How scores look in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tegnas.scoring.scores import Scores

# Rows of a table; of more architectures the best are shown.
_ROWS = 20


def scores_html(scores: Scores) -> str:
    """The best architectures with their indicators, as a table."""
    position = scores.ranking().tolist()
    order = sorted(range(len(scores)), key=position.__getitem__)[:_ROWS]
    header = ["", "architecture", *(_heading(each) for each in scores.settings.indicators)]
    rows = [
        [
            str(position[index] + 1),
            str(scores.archs[index]),
            *(each.text(scores[each.name][index].item()) for each in scores.settings.indicators),
        ]
        for index in order
    ]
    more = len(scores) - len(order)
    notes = [*scores.warnings, *([f"and {more:,} more"] if more else [])]
    return table_html(header, rows) + "".join(f"<p>{escape(note)}</p>" for note in notes)


def table_html(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table; every text is escaped."""
    head = "".join(f"<th>{escape(each)}</th>" for each in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _heading(indicator) -> str:
    return f"{indicator.label}, {indicator.better} is better"
