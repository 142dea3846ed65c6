"""Supernets of DARTS: several operations on every edge, and more than two edges per node.

Edges are numbered by cell (normal, then reduction), node and input: 14 per cell.
"""

from __future__ import annotations

from collections.abc import Iterator

from tegnas.errors import InputError
from tegnas.networks.darts import NODES, CellPlan
from tegnas.spaces.darts_architecture import NONE, OPERATIONS, DartsArchitecture
from tegnas.spaces.factorised import RemovalGroup, Supernet

EDGES = 2 * sum(node + 2 for node in range(NODES))
_INPUTS = ("c(k−2)", "c(k−1)", *map(str, range(NODES)))
EDGE_NAMES = tuple(
    f"{cell} {_INPUTS[source]}→{node}"
    for cell in ("normal", "reduction")
    for node in range(NODES)
    for source in range(node + 2)
)


def full_supernet() -> Supernet:
    """Every operation but ``none`` on every edge."""
    return Supernet((OPERATIONS,) * EDGES)


def possible_removals(supernet: Supernet) -> tuple[RemovalGroup, ...]:
    """Operations first, then edges: as TE-NAS prunes (Chen et al., ICLR 2021, arXiv 2102.11535).

    While an edge has several operations, one of each such edge must stay. After that one node
    after another loses all but two of its edges, so that what the next node loses is judged in a
    network without them.
    """
    mixed = tuple(
        RemovalGroup(tuple((edge, name) for name in names), keep=1)
        for edge, names in enumerate(supernet.operations)
        if len(names) > 1
    )
    if mixed:
        return mixed
    for edges in _node_edges():
        left = [edge for edge in edges if supernet.operations[edge]]
        if len(left) > 2:
            removals = tuple((edge, supernet.operations[edge][0]) for edge in left)
            return (RemovalGroup(removals, keep=2, at_once=True),)
    return ()


def single_path(supernet: Supernet) -> DartsArchitecture:
    """The architecture of the operations that are left.

    Raises ``InputError`` if a node is left with other than two edges of one operation.
    """
    pairs = []
    for edges in _node_edges():
        left = [
            (name, source)
            for source, edge in enumerate(edges)
            for name in supernet.operations[edge]
        ]
        if len(left) != 2:
            raise InputError(
                f"the supernet {supernet} is no single path yet: a node has {len(left)} operations "
                "instead of 2"
            )
        pairs += left
    return DartsArchitecture(tuple(pairs[: 2 * NODES]), tuple(pairs[2 * NODES :]))


def path_of(arch: DartsArchitecture) -> Supernet:
    """The supernet of which ``single_path`` makes an architecture."""
    operations: list[tuple[str, ...]] = [()] * EDGES
    pairs = (*arch.normal, *arch.reduce)
    for node, edges in enumerate(_node_edges()):
        for name, source in pairs[2 * node : 2 * node + 2]:
            operations[edges[source]] += (name,)
    return Supernet(tuple(operations))


def supernet_plans(supernet: Supernet) -> tuple[CellPlan, CellPlan]:
    """The two cells as networks take them; an edge without operations computes ``none``."""
    nodes = tuple(
        tuple((source, supernet.operations[edge] or (NONE,)) for source, edge in enumerate(edges))
        for edges in _node_edges()
    )
    return CellPlan(nodes[:NODES]), CellPlan(nodes[NODES:])


def _node_edges() -> Iterator[range]:
    """The numbers of the edges into each node, of the normal and then of the reduction cell."""
    first = 0
    for _ in ("normal", "reduce"):
        for node in range(NODES):
            yield range(first, first + node + 2)
            first += node + 2
