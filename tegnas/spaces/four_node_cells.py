"""Spaces whose architecture is a cell of four nodes with one operation on each of its six edges.

The cell of NAS-Bench-201, which the micro space of TransNAS-Bench-101 has as well.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from tegnas.networks.nasbench201 import EDGES, live_edges
from tegnas.spaces.drawing import CellEdge, CellGraph
from tegnas.spaces.factorised import Choice, RemovalGroup, Supernet
from tegnas.spaces.product import ProductSpace


class FourNodeCell(Protocol):
    """The operations of the six edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3."""

    @property
    def operations(self) -> tuple[str, ...]:
        """One for each edge."""


Cell = TypeVar("Cell", bound=FourNodeCell)


class FourNodeCells(ProductSpace, Generic[Cell]):
    """What such a space knows of its cells, whatever networks they stand in.

    A subclass names the operations, ``none`` first, and gives the cell of six of them.
    """

    operations: tuple[str, ...]

    @abstractmethod
    def cell_of(self, operations: tuple[str, ...]) -> Cell:
        """The architecture of these operations."""

    @abstractmethod
    def canonical(self, arch: Cell) -> str:
        """A text that isomorphic cells share."""

    def choices(self) -> tuple[Choice, ...]:
        """The operation of each of the six edges."""
        return tuple(Choice(f"{source}→{target}", self.operations) for source, target in EDGES)

    def encode(self, arch: Cell) -> tuple[int, ...]:
        """The number of each edge's operation."""
        numbers = _numbers(self.operations)
        return tuple(numbers[name] for name in arch.operations)

    def decode(self, indices: Sequence[int]) -> Cell:
        """The architecture with these operations."""
        return self.cell_of(tuple(self.operations[index] for index in indices))

    def template_options(self, archs: Sequence[Cell | Supernet]) -> list[tuple[int, ...]] | None:
        """The operation of every edge of every architecture; None with a supernet among them."""
        cells = [arch for arch in archs if not isinstance(arch, Supernet)]
        if len(cells) < len(archs):
            return None
        number = _numbers(self.operations).__getitem__
        return [tuple(map(number, arch.operations)) for arch in cells]

    def supernet(self) -> Supernet:
        """All operations but ``none`` on every edge, as TE-NAS begins."""
        return Supernet((self.operations[1:],) * len(EDGES))

    def removals(self, supernet: Supernet) -> tuple[RemovalGroup, ...]:
        """One operation of an edge that has several; one must stay."""
        return tuple(
            RemovalGroup(tuple((edge, name) for name in names), keep=1)
            for edge, names in enumerate(supernet.operations)
            if len(names) > 1
        )

    def single_path(self, supernet: Supernet) -> Cell:
        """The architecture of the one operation that is left on every edge."""
        return self.cell_of(tuple(name for (name,) in supernet.operations))

    @property
    def supernet_edges(self) -> tuple[str, ...]:
        """The edges by their nodes, as the choices are called."""
        return tuple(choice.name for choice in self.choices())

    def path_of(self, arch: Cell) -> Supernet:
        """The supernet of one operation on every edge."""
        return Supernet(tuple((name,) for name in arch.operations))

    def representative(self, arch: Cell | Supernet) -> Cell | Supernet:
        """The first architecture of the space with the same canonical form."""
        if isinstance(arch, Supernet):
            return arch
        return _first_of_classes(type(self))[self.canonical(arch)]

    def live(self, arch: Cell | Supernet) -> Cell | Supernet:
        """The same cell with ``none`` on every edge that cannot matter.

        A supernet stands for itself.
        """
        if isinstance(arch, Supernet):
            return arch
        edges = zip(arch.operations, live_edges(arch.operations), strict=True)
        operations = tuple(name if live else "none" for name, live in edges)
        return arch if operations == arch.operations else self.cell_of(operations)

    def is_connected(self, arch: Cell | Supernet) -> bool:
        """Whether a path without ``none`` leads from the cell's input to its output."""
        return any(live_edges(arch.operations))

    def cells(self, arch: Cell) -> tuple[CellGraph, ...]:
        """The cell, drawn from left to right; its nodes have the numbers of the choices' names."""
        nodes = {"in 0": (0.0, 0.0), "1": (1.0, 0.55), "2": (2.0, -0.55), "out 3": (3.0, 0.0)}
        names = list(nodes)
        places = (0.5, 0.42, 0.62, 0.22, 0.5, 0.5)
        edges = (
            CellEdge(names[source], names[target], name, place)
            for name, (source, target), place in zip(arch.operations, EDGES, places, strict=True)
        )
        return (CellGraph("cell", nodes, tuple(edges)),)


@lru_cache(maxsize=8)
def _numbers(operations: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(operations)}


@lru_cache(maxsize=8)
def _first_of_classes(kind: type[FourNodeCells[Any]]) -> dict[str, Any]:
    # Of the type and not of the space, so that all its spaces share it and none carries it along.
    space = kind()
    first: dict[str, Any] = {}
    for arch in space:
        first.setdefault(space.canonical(arch), arch)
    return first
