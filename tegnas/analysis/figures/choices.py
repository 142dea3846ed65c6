"""Architectures of spaces without cells: what is taken of every choice, on a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tegnas.analysis.figures.style import BLUE, literal, new_figure
from tegnas.spaces import Architecture
from tegnas.spaces.factorised import Choice, CodedSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 0.3  # inches
_LETTER = 0.085
_MOST = 8  # options; of more only the one that is taken is written


def choices_figure(space: CodedSpace, arch: Architecture, title: str = "") -> Figure:
    """Stages, blocks or layers from top to bottom, and what is chosen in each, from left to right.

    Names of such choices are ``stage0.width``: the bluer, the later is the option that is taken
    among those of its choice. Where no two are chosen in each, one row for each choice with all its
    options, of which the one that is taken stands on blue.
    """
    choices, taken = space.choices(), space.encode(arch)
    if len({choice.name.partition(".")[2] for choice in choices} - {""}) > 1:
        return _table(choices, taken, title)
    return _options(choices, taken, title)


def _table(choices: tuple[Choice, ...], taken: tuple[int, ...], title: str) -> Figure:
    # What isn't of a stage stands in a row of its own, under no column.
    places = [choice.name.partition(".")[::2] for choice in choices]
    rows = list(dict.fromkeys(row for row, _ in places))
    columns = list(dict.fromkeys(column for _, column in places if column))
    options = [choice.options[own] for choice, own in zip(choices, taken, strict=True)]
    heads = list(map(plain, columns))
    width = max(0.6, width_of((*heads, *options)))
    axis, figure = grid(list(map(plain, rows)), width, len(columns), title, heads)
    for (row, column), choice, own, option in zip(places, choices, taken, options, strict=True):
        share = own / max(1, len(choice.options) - 1)
        if column:
            box(axis, columns.index(column), rows.index(row), option, share)
        else:
            box(axis, 0, rows.index(row), option, share, across=len(columns))
    return figure


def _options(choices: tuple[Choice, ...], taken: tuple[int, ...], title: str) -> Figure:
    texts = [
        list(choice.options)
        if len(choice.options) <= _MOST
        else [f"{choice.options[own]} ({own + 1} of {len(choice.options)})"]
        for choice, own in zip(choices, taken, strict=True)
    ]
    width = max(0.45, width_of(text for row in texts for text in row))
    names = [plain(choice.name) for choice in choices]
    axis, figure = grid(names, width, max(map(len, texts)), title)
    for row, (options, own) in enumerate(zip(texts, taken, strict=True)):
        for column, option in enumerate(options):
            box(axis, column, row, option, 1.0 if len(options) == 1 or column == own else None)
    return figure


def width_of(texts: Iterable[str]) -> float:
    """Of a column that holds such texts, in inches."""
    return _LETTER * max(map(len, texts)) + 0.15


def grid(
    names: list[str], width: float, columns: int, title: str, heads: Sequence[str] = ()
) -> tuple[Any, Figure]:
    """An axis of one unit for each row and column, with names at its left and heads above."""
    head = bool(heads)
    left = _LETTER * max(map(len, names)) + 0.2
    size = (max(left + width * columns + 0.2, 3.0), _ROW * (len(names) + head) + 0.5)
    figure, axes = new_figure(size=size)
    axis = axes[0, 0]
    axis.set_axis_off()
    axis.set_title(literal(title), fontsize=10)
    axis.set_xlim(-left / width, columns)
    axis.set_ylim(len(names) - 0.4, -0.6 - head)
    for column, text in enumerate(heads):
        axis.text(column + 0.5, -1, literal(text), ha="center", va="center", fontsize=8)
    for row, name in enumerate(names):
        axis.text(-0.15, row, literal(name), ha="right", va="center", fontsize=8)
    return axis, figure


def box(axis: Any, column: int, row: int, text: str, share: float | None, across: int = 1) -> None:
    """An option on its place; on the bluer ground, the larger its share, or on none."""
    from matplotlib.patches import Rectangle

    if share is not None:
        place = (column + 0.04, row - 0.44)
        size = (across - 0.08, 0.88)
        axis.add_patch(Rectangle(place, *size, color=BLUE, alpha=0.12 + 0.88 * share, lw=0))
    dark = share is not None and share > 0.65
    axis.text(
        column + across / 2, row, literal(text), ha="center", va="center", fontsize=8,
        color="white" if dark else "0.45" if share is None else "black",
        gid=None if share is None else "taken",
    )  # fmt: skip


def plain(name: str) -> str:
    """The name of a choice as people write it."""
    return re.sub(r"([a-z])(\d)", r"\1 \2", re.sub(r"[._]", " ", name))
