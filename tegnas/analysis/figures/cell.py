"""Cells as graphs: nodes, edges and operations, what is skipped or left out pale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tegnas.analysis.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, new_figure
from tegnas.errors import InputError
from tegnas.networks.nasbench201 import EDGES
from tegnas.spaces import Architecture, DartsArchitecture, NasBench201Architecture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A graph: positions of the nodes by label, and edges (source, target, operation, share of the way
# at which the label stands, so that labels keep clear of each other). The second edge between the
# same two nodes is bent.
_Graph = tuple[dict[str, tuple[float, float]], list[tuple[str, str, str, float]]]

_PALE = "#B8B8B8"
_BEND = 0.35  # height of an arc over half its length
_SHORT = {
    "nor_conv_3x3": "conv 3×3",
    "nor_conv_1x1": "conv 1×1",
    "avg_pool_3x3": "avg pool 3×3",
    "max_pool_3x3": "max pool 3×3",
    "sep_conv_3x3": "sep conv 3×3",
    "sep_conv_5x5": "sep conv 5×5",
    "dil_conv_3x3": "dil conv 3×3",
    "dil_conv_5x5": "dil conv 5×5",
    "skip_connect": "skip",
    "none": "none",
}


def cell_figure(arch: Architecture, title: str = "") -> Figure:
    """The cell of a NAS-Bench-201 architecture, or the two cells of a DARTS one.

    Raises:
        InputError: an architecture of another space.
    """
    if isinstance(arch, NasBench201Architecture):
        figure, axes = new_figure(1, 1, size=(5.6, 3.0))
        _draw(axes.flat[0], _nasbench201_graph(arch), title)
        return figure
    if isinstance(arch, DartsArchitecture):
        figure, axes = new_figure(2, 1, size=(8.6, 7.2))
        for axis, cell, name in zip(axes.flat, arch.cells, ("normal", "reduction"), strict=True):
            _draw(axis, _darts_graph(cell), f"{title} {name} cell".strip())
        return figure
    raise InputError(f"cells of {type(arch).__name__} can't be drawn")


def _nasbench201_graph(arch: NasBench201Architecture) -> _Graph:
    nodes = {"in": (0.0, 0.0), "1": (1.0, 0.55), "2": (2.0, -0.55), "out": (3.0, 0.0)}
    names = list(nodes)
    places = (0.5, 0.5, 0.68, 0.22, 0.5, 0.5)
    edges = [
        (names[source], names[target], name, place)
        for name, (source, target), place in zip(arch.operations, EDGES, places, strict=True)
    ]
    return nodes, edges


def _darts_graph(cell: tuple[tuple[str, int], ...]) -> _Graph:
    heights = (0.54, -0.5, 1.0, -0.35)
    nodes = {"c(k−2)": (0.0, 1.2), "c(k−1)": (0.0, -1.2)}
    nodes |= {str(node): (1.7 + 1.5 * node, heights[node]) for node in range(4)}
    names = list(nodes)
    edges = [
        (names[source], str(place // 2), operation, (0.4, 0.6)[place % 2])
        for place, (operation, source) in enumerate(cell)
    ]
    return nodes, edges


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
        ("max", GREEN),
    ):  # fmt: skip
        if operation.startswith(start):
            return colour
    return GREY


def _draw(axis: Any, graph: _Graph, title: str) -> None:
    nodes, edges = graph
    axis.set_axis_off()
    axis.set_title(title, fontsize=10)
    drawn: set[tuple[str, str]] = set()
    for source, target, operation, place in edges:
        bend = _BEND if (source, target) in drawn else 0.0
        drawn.add((source, target))
        pale = operation in ("none", "skip_connect")
        axis.annotate(
            "",
            nodes[target],
            nodes[source],
            arrowprops={
                "arrowstyle": "-|>",
                "color": _colour(operation),
                "lw": 1.0 if pale else 2.2,
                "linestyle": ":" if operation == "none" else "-",
                "shrinkA": 14,
                "shrinkB": 14,
                "connectionstyle": f"arc3,rad={bend}",
            },
        )
        x, y = _along(nodes[source], nodes[target], place, bend)
        axis.text(
            x,
            y,
            _SHORT.get(operation, operation),
            fontsize=8,
            ha="center",
            va="center",
            color="#8A8A8A" if pale else "black",
            zorder=4,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9},
        )
    for name, (x, y) in nodes.items():
        axis.text(
            x, y, name, ha="center", va="center", fontsize=9,
            bbox={"boxstyle": "circle,pad=0.35", "fc": "#F2F2F2", "ec": "0.3"},
        )  # fmt: skip
    points = np.array(list(nodes.values()))
    (left, low), (right, high) = points.min(0), points.max(0)
    axis.set_xlim(left - 0.4, right + 0.4)
    axis.set_ylim(low - 0.4, high + 0.4)
