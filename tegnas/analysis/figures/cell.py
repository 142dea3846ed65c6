"""Cells as graphs: nodes, edges and operations, what is skipped or left out pale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tegnas.analysis.figures.choices import choices_figure
from tegnas.analysis.figures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    literal,
    new_figure,
)
from tegnas.analysis.operation_names import operation_name
from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space
from tegnas.spaces.drawing import CellGraph, DrawnSpace
from tegnas.spaces.factorised import CodedSpace, Supernet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PALE = "#B8B8B8"
_BEND = 0.35  # height of an arc over half its length


def cell_figure(space: Space, arch: Architecture, title: str = "") -> Figure:
    """The cells of an architecture, one below the other; of a space without cells its choices.

    Raises:
        InputError: the space has neither, or the architecture is a supernet.
    """
    part = getattr(space, "space_of", None)  # of a space that is several
    space = space if part is None else part(arch)
    if not isinstance(space, DrawnSpace) and isinstance(space, CodedSpace):
        return choices_figure(space, arch, title)
    if not isinstance(space, DrawnSpace) or isinstance(arch, Supernet):
        raise InputError(f"{space.name} has neither cells nor choices that can be drawn of {arch}")
    cells = space.cells(arch)
    alone = len(cells) == 1
    size = (5.6, 3.0) if alone else (6.4, 3.7 * len(cells))
    figure, axes = new_figure(len(cells), 1, size=size)
    for axis, cell in zip(axes.flat, cells, strict=True):
        _draw(axis, cell, title if alone else f"{title}: {cell.name}" if title else cell.name)
    return figure


def _along(
    source: tuple[float, float], target: tuple[float, float], place: float, bend: float
) -> tuple[float, float]:
    """The point at a share of the way along an edge that is bent as matplotlib's arc3 bends it."""
    (x0, y0), (x1, y1) = source, target
    aside = 2 * place * (1 - place) * bend
    return (
        x0 + place * (x1 - x0) + aside * (y1 - y0),
        y0 + place * (y1 - y0) - aside * (x1 - x0),
    )


def _colour(operation: str) -> str:
    if operation in ("none", "skip_connect"):
        return _PALE
    for start, colour in (
        ("nor_conv_1", SKY), ("nor", BLUE), ("sep", BLUE), ("dil", PURPLE), ("avg", ORANGE),
        ("max", GREEN), ("conv 1", SKY), ("conv", BLUE),
    ):  # fmt: skip
        if operation.startswith(start):
            return colour
    return GREY


def _draw(axis: Any, cell: CellGraph, title: str) -> None:
    nodes = cell.nodes
    axis.set_axis_off()
    axis.set_title(literal(title), fontsize=10)
    boxes = {}
    for name, (x, y) in nodes.items():
        number, _, operation = name.partition(" ")
        inside = number.isdigit() and operation  # as "1 conv 3×3", where nodes compute
        boxes[name] = axis.text(
            x, y, name, ha="center", va="center", fontsize=9,
            bbox={"boxstyle": "round,pad=0.4,rounding_size=0.8", "fc": "#F2F2F2",
                  "ec": _colour(operation) if inside else "0.3", "lw": 2.0 if inside else 1.0},
        ).get_bbox_patch()  # fmt: skip
    drawn: set[tuple[str, str]] = set()
    for edge in cell.edges:
        source, target, operation = edge.source, edge.target, edge.operation
        bend = _BEND if (source, target) in drawn else 0.0
        drawn.add((source, target))
        pale = operation in ("", "none", "skip_connect")
        axis.annotate(
            "",
            nodes[target],
            nodes[source],
            arrowprops={
                "arrowstyle": "-|>",
                "color": _colour(operation),
                "lw": 1.0 if pale else 2.2,
                "linestyle": ":" if operation == "none" else "-",
                "patchA": boxes[source],
                "patchB": boxes[target],
                "shrinkA": 2,
                "shrinkB": 2,
                "connectionstyle": f"arc3,rad={bend}",
            },
        )
        if not operation:
            continue
        x, y = _along(nodes[source], nodes[target], edge.place, bend)
        axis.text(
            x,
            y,
            operation_name(operation),
            fontsize=8,
            ha="center",
            va="center",
            color="#8A8A8A" if pale else "black",
            zorder=4,
            bbox={
                "boxstyle": "round,pad=0.15",
                "fc": "white",
                "ec": "none" if pale else _colour(operation),
                "lw": 0.8,
            },
        )
    points = np.array(list(nodes.values()))
    (left, low), (right, high) = points.min(0), points.max(0)
    axis.set_xlim(left - 0.4, right + 0.4)
    axis.set_ylim(low - 0.4, high + 0.4)
