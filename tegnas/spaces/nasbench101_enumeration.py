"""Every cell of NAS-Bench-101 once: 423,624 up to the numbering of the nodes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tegnas.networks.nasbench101_cell import (
    MAX_EDGES,
    MAX_NODES,
    OPERATIONS,
    Cell,
    orders,
    rearranged,
)


def every_cell() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Adjacency and operations of the first form (see ``first_form``) of every class of cells."""
    for nodes in range(2, MAX_NODES + 1):
        for inputs in _graphs(nodes):
            yield from _first_forms(inputs)


def _graphs(nodes: int) -> Iterator[tuple[int, ...]]:
    """What the nodes read, in every graph of at most nine edges whose nodes are all live."""
    last = nodes - 1

    def extend(inputs: tuple[int, ...], edges: int) -> Iterator[tuple[int, ...]]:
        node = len(inputs) + 1
        if node > last:
            unread = (1 << last) - 1
            for each in inputs:
                unread &= ~each
            if not unread:
                yield inputs
            return
        for read in range(1, 1 << node):
            total = edges + read.bit_count()
            if total + (last - node) <= MAX_EDGES:  # every later node reads one or more
                yield from extend((*inputs, read), total)

    return extend((), 0)


def _first_forms(inputs: tuple[int, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The graph with all operations that make a first form; none if another order comes first."""
    inner = len(inputs) - 1
    graph = Cell(inputs, ("",) * inner)
    adjacency = graph.adjacency
    symmetries = []
    for order in orders(graph):
        other = rearranged(graph, order).adjacency
        if other < adjacency:
            return
        if other == adjacency and order != tuple(range(inner + 2)):
            symmetries.append(order[1:-1])
    for operations in itertools.product(OPERATIONS, repeat=inner):
        if all(
            operations <= tuple(operations[node - 1] for node in symmetry)
            for symmetry in symmetries
        ):
            yield adjacency, operations
