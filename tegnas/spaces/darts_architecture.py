"""An architecture of the DARTS space as a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from tegnas.errors import InputError
from tegnas.networks.darts import NODES, Nodes

# The seven operations of the published space, and ``none``, which its search uses but no
# architecture that it ends in.
OPERATIONS = (
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
)
NONE = "none"

Pair = tuple[str, int]

_CONCAT = range(2, 2 + NODES)


@dataclass(frozen=True)
class DartsArchitecture:
    """A normal and a reduction cell.

    A cell is eight pairs (operation, input), two for each of its four nodes. Inputs 0 and 1 are
    the outputs of the two cells before, input 2 + k is node k. The two pairs of a node are kept
    in the order of their inputs, in whatever order they are given, so that equal architectures
    are equal values. A node may read one input twice, by one operation or two: the published
    space has no such node, but searches that prune edges end in some.

    Raises ``InputError`` for a wrong number of pairs, an unknown operation or an input that the
    node can't read.
    """

    normal: tuple[Pair, ...]
    reduce: tuple[Pair, ...]

    def __post_init__(self) -> None:
        for name in ("normal", "reduce"):
            object.__setattr__(self, name, _checked_cell(name, getattr(self, name)))

    def __str__(self) -> str:
        return (
            f"Genotype(normal={list(self.normal)}, normal_concat={_CONCAT}, "
            f"reduce={list(self.reduce)}, reduce_concat={_CONCAT})"
        )

    @property
    def nodes(self) -> tuple[Nodes, Nodes]:
        """The two cells as networks take them: what each node reads, by which operation."""
        normal, reduction = (
            tuple(
                tuple((source, (name,)) for name, source in cell[2 * node : 2 * node + 2])
                for node in range(NODES)
            )
            for cell in self.cells
        )
        return normal, reduction

    @property
    def cells(self) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        """The normal cell, then the reduction cell."""
        return self.normal, self.reduce


def renumbered_cells(cell: Sequence[Pair]) -> Iterator[tuple[Pair, ...]]:
    """The cell with its nodes in every order in which a node reads earlier ones only."""
    nodes = [cell[2 * node : 2 * node + 2] for node in range(NODES)]
    for order in permutations(range(NODES)):
        place = {0: 0, 1: 1} | {2 + node: 2 + index for index, node in enumerate(order)}
        moved = [[(name, place[source]) for name, source in nodes[node]] for node in order]
        if all(source < index + 2 for index, pairs in enumerate(moved) for _, source in pairs):
            yield tuple(pair for pairs in moved for pair in sorted(pairs, key=_by_input))


def _by_input(pair: Pair) -> tuple[int, str]:
    return pair[1], pair[0]


def _checked_cell(cell: str, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    if not isinstance(pairs, list | tuple) or len(pairs) != 2 * NODES:
        found = len(pairs) if isinstance(pairs, list | tuple) else type(pairs).__name__
        raise InputError(
            f"the {cell} cell needs {2 * NODES} pairs (operation, input), two for each of its "
            f"{NODES} nodes, not {found}"
        )
    for index, pair in enumerate(pairs):
        _check_pair(f"node {index // 2} of the {cell} cell", index // 2 + 2, pair)
    checked: list[Pair] = []
    for node in range(NODES):
        checked += sorted(map(tuple, pairs[2 * node : 2 * node + 2]), key=_by_input)
    return tuple(checked)


def _check_pair(where: str, inputs: int, pair: object) -> None:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise InputError(f"{where} has {pair!r} where a pair (operation, input) should be")
    name, source = pair
    if name not in OPERATIONS and name != NONE:
        known = ", ".join((NONE, *OPERATIONS))
        raise InputError(f"unknown operation {name!r} at {where}; DARTS has {known}")
    if type(source) is not int or not 0 <= source < inputs:
        raise InputError(f"{where} can't read input {source!r}; it has inputs 0 to {inputs - 1}")
