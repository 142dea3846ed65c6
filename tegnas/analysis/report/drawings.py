"""Cells of many architectures in little room: what they share is written once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from tegnas.spaces import Architecture, Space
from tegnas.spaces.drawing import CellGraph, DrawnSpace
from tegnas.spaces.factorised import Supernet


def drawings(space: Space, archs: Sequence[Architecture]) -> dict[str, Any]:
    """Layouts of nodes, edges, and the cells of each architecture as numbers of those.

    An architecture without cells, as a supernet, has an empty list.
    """
    layouts, edges = _Numbered(), _Numbered()

    def packed(cell: CellGraph) -> list[Any]:
        nodes = tuple((name, *map(float, place)) for name, place in cell.nodes.items())
        drawn = ((each.source, each.target, each.operation, each.place) for each in cell.edges)
        return [layouts[cell.name, nodes], [edges[each] for each in drawn]]

    cells: list[list[Any]] = [[] for _ in archs]
    if isinstance(space, DrawnSpace):
        for index, arch in enumerate(archs):
            if not isinstance(arch, Supernet):
                cells[index] = [packed(cell) for cell in space.cells(arch)]
    return {"layouts": list(layouts), "edges": list(edges), "of": cells}


class _Numbered(dict[Any, int]):
    """Values, numbered as they come."""

    def __missing__(self, value: Hashable) -> int:
        return self.setdefault(value, len(self))
