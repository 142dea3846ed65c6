"""Cells of architectures as graphs to be drawn: a fact that a space carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tegnas.spaces.base import Architecture, Space


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
    nodes: Mapping[str, tuple[float, float]]
    edges: tuple[CellEdge, ...]


@runtime_checkable
class DrawnSpace(Space, Protocol):
    """A space whose architectures are cells that can be drawn. Optional."""

    def cells(self, arch: Architecture) -> tuple[CellGraph, ...]:
        """The cells of an architecture, in the order in which they are shown."""
