"""Cells of architectures as graphs to be drawn: a fact that a space carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from tegnas.spaces.base import Architecture, Space

Point = tuple[float, float]

# Shares of the way at which a label may stand, the best first, and the room that texts and nodes
# take where one unit is some hundred pixels.
_PLACES = (0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75)
_LETTER, _LINE, _MARGIN = 0.068, 0.18, 0.1
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class CellEdge:
    """An operation from node to node; ``place`` is the share of the way at which its label stands.

    Labels at different places keep clear of each other.
    """

    source: str
    target: str
    operation: str
    place: float = 0.5


@dataclass(frozen=True)
class CellGraph:
    """One cell: where its nodes stand, by label, and its edges."""

    name: str
    nodes: Mapping[str, Point]
    edges: tuple[CellEdge, ...]


def with_clear_labels(
    nodes: Mapping[str, Point], edges: Iterable[CellEdge], bare: Iterable[CellEdge] = ()
) -> list[CellEdge]:
    """The edges with their labels where they cover neither each other nor a node, if that can be.

    One after the other takes the first place that is free, or else the one that covers least. Of
    such places one on the line of no other edge, of which ``bare`` have no labels, comes first:
    else the label would be read as that one's.
    """
    edges = list(edges)
    lines = {
        (each.source, each.target): (nodes[each.source], nodes[each.target])
        for each in (*edges, *bare)
    }
    taken = [_box(point, name) for name, point in nodes.items()]
    placed = []
    for edge in edges:
        own = (edge.source, edge.target)
        (x0, y0), (x1, y1) = lines[own]
        others = [line for ends, line in lines.items() if ends != own]
        boxes = {
            place: _box((x0 + place * (x1 - x0), y0 + place * (y1 - y0)), edge.operation)
            for place in (_PLACES if edge.operation else ())
        }
        if boxes:
            place = min(boxes, key=lambda each: _hidden(boxes[each], taken, others))
            taken.append(boxes[place])
            edge = replace(edge, place=place)
        placed.append(edge)
    return placed


def _hidden(
    box: _Box, taken: Iterable[_Box], lines: Iterable[tuple[Point, Point]]
) -> tuple[float, int]:
    """What a label would cover: the area of texts and nodes first, then how many lines."""
    area = sum(_covered(box, other) for other in taken)
    return area, sum(_crosses(box, *line) for line in lines)


def _box(centre: Point, text: str) -> _Box:
    """Left, right, low and high of a text."""
    (x, y), half = centre, (_LETTER * len(text) + _MARGIN) / 2
    return x - half, x + half, y - _LINE / 2, y + _LINE / 2


def _covered(one: _Box, other: _Box) -> float:
    width = min(one[1], other[1]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[2], other[2])
    return max(0.0, width) * max(0.0, height)


def _crosses(box: _Box, start: Point, end: Point) -> bool:
    """Whether a straight line goes through a box (Liang and Barsky's clipping)."""
    first, last = 0.0, 1.0
    for axis in range(2):
        low, high = box[2 * axis], box[2 * axis + 1]
        step = end[axis] - start[axis]
        if step == 0:
            if not low <= start[axis] <= high:
                return False
            continue
        ends = sorted(((low - start[axis]) / step, (high - start[axis]) / step))
        first, last = max(first, ends[0]), min(last, ends[1])
    return first <= last


@runtime_checkable
class DrawnSpace(Space, Protocol):
    """A space whose architectures are cells that can be drawn. Optional."""

    def cells(self, arch: Architecture) -> tuple[CellGraph, ...]:
        """The cells of an architecture, in the order in which they are shown."""
