"""Architectures of spaces without cells: of every choice its options, and which one is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tegnas.analysis.figures.style import BLUE, literal, new_figure
from tegnas.spaces import Architecture
from tegnas.spaces.factorised import CodedSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 0.3  # inches
_MOST = 8  # options; of more only the one that is taken is written
_COLUMN = 1.0


def choices_figure(space: CodedSpace, arch: Architecture, title: str = "") -> Figure:
    """One row for each choice, from top to bottom; the option that is taken stands on blue."""
    choices, taken = space.choices(), space.encode(arch)
    texts = [
        [(option, index == own) for index, option in enumerate(choice.options)]
        if len(choice.options) <= _MOST
        else [(f"{choice.options[own]} ({own + 1} of {len(choice.options)})", True)]
        for choice, own in zip(choices, taken, strict=True)
    ]
    columns = max(map(len, texts))
    names = [choice.name.replace("_", " ").replace(".", " ") for choice in choices]
    left = 0.09 * max(map(len, names)) + 0.2
    wide = left + _COLUMN * columns + 0.2
    high = _ROW * len(choices) + 0.6
    figure, axes = new_figure(size=(max(wide, 4.0), high))
    axis = axes[0, 0]
    axis.set_axis_off()
    axis.set_title(literal(title), fontsize=10)
    axis.set_xlim(-left / _COLUMN, columns)
    axis.set_ylim(len(choices) - 0.4, -0.6)
    for row, (name, options) in enumerate(zip(names, texts, strict=True)):
        axis.text(-0.15, row, literal(name), ha="right", va="center", fontsize=8)
        for column, (option, own) in enumerate(options):
            axis.text(
                column + 0.5 if len(options) > 1 else 0.1, row, literal(option),
                ha="center" if len(options) > 1 else "left", va="center", fontsize=8,
                color="white" if own else "0.45",
                bbox={"boxstyle": "round,pad=0.25", "fc": BLUE if own else "white",
                      "ec": BLUE if own else "0.8"},
            )  # fmt: skip
    return figure
