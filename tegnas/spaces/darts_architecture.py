"""An architecture of the DARTS space as a value."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from tegnas.errors import InputError
from tegnas.networks.darts import ALL_NODES, NODES, CellPlan

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


@dataclass(frozen=True)
class DartsArchitecture:
    """A normal and a reduction cell.

    A cell is eight pairs (operation, input), two for each of its four nodes. Inputs 0 and 1 are
    the outputs of the two cells before, input 2 + k is node k. The two pairs of a node are kept
    in the order of their inputs, in whatever order they are given, so that equal architectures
    are equal values. A node may read one input twice, by one operation or two: the published
    space has no such node, but searches that prune edges end in some.

    The published cells put out all of their nodes; ``normal_concat`` and ``reduce_concat`` name
    those that are put out where it is fewer.

    Raises ``InputError`` for a wrong number of pairs, an unknown operation, an input that the node
    can't read or nodes put out that the cell hasn't.
    """

    normal: tuple[Pair, ...]
    reduce: tuple[Pair, ...]
    normal_concat: tuple[int, ...] = ALL_NODES
    reduce_concat: tuple[int, ...] = ALL_NODES

    def __post_init__(self) -> None:
        for name in ("normal", "reduce"):
            concat = f"{name}_concat"
            object.__setattr__(self, name, _checked_cell(name, getattr(self, name)))
            object.__setattr__(self, concat, _checked_concat(concat, getattr(self, concat)))

    def __str__(self) -> str:
        return (
            f"Genotype(normal={list(self.normal)}, "
            f"normal_concat={printed_concat(self.normal_concat)}, "
            f"reduce={list(self.reduce)}, reduce_concat={printed_concat(self.reduce_concat)})"
        )

    @property
    def plans(self) -> tuple[CellPlan, CellPlan]:
        """The two cells as networks take them."""
        normal, reduction = (
            CellPlan(
                tuple(
                    tuple((source, (name,)) for name, source in cell[2 * node : 2 * node + 2])
                    for node in range(NODES)
                ),
                concat,
            )
            for cell, concat in zip(self.cells, self.concats, strict=True)
        )
        return normal, reduction

    @property
    def cells(self) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        """The normal cell, then the reduction cell."""
        return self.normal, self.reduce

    @property
    def concats(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The nodes that the normal cell puts out, then those of the reduction cell."""
        return self.normal_concat, self.reduce_concat


def printed_concat(concat: Sequence[int]) -> str:
    """As genotypes have it: a range where all nodes are put out."""
    return repr(range(2, 2 + NODES) if concat == ALL_NODES else list(concat))


def renumbered_cells(
    cell: Sequence[Pair], concat: Sequence[int]
) -> Iterator[tuple[tuple[Pair, ...], tuple[int, ...]]]:
    """The cell with its nodes in every order in which a node reads earlier ones only.

    And the numbers that the nodes which are put out then have.
    """
    nodes = [cell[2 * node : 2 * node + 2] for node in range(NODES)]
    for order in permutations(range(NODES)):
        place = {0: 0, 1: 1} | {2 + node: 2 + index for index, node in enumerate(order)}
        moved = [[(name, place[source]) for name, source in nodes[node]] for node in order]
        if all(source < index + 2 for index, pairs in enumerate(moved) for _, source in pairs):
            renumbered = tuple(pair for pairs in moved for pair in sorted(pairs, key=_by_input))
            yield renumbered, tuple(sorted(place[node] for node in concat))


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


def _checked_concat(name: str, numbers: Sequence[int]) -> tuple[int, ...]:
    """In the order of the nodes: any other only numbers the channels differently."""
    if (
        not isinstance(numbers, list | tuple)
        or not numbers
        or any(type(each) is not int or each not in ALL_NODES for each in numbers)
        or len(set(numbers)) < len(numbers)
    ):
        raise InputError(
            f"{name} must name nodes that the cell puts out, each once, among its nodes "
            f"{ALL_NODES[0]} to {ALL_NODES[-1]} (its inputs 0 and 1 can't be put out: a reduction "
            f"has another resolution), not {reprlib.repr(numbers)}; range(2, 6) is all of them"
        )
    return tuple(sorted(numbers))


def _check_pair(where: str, inputs: int, pair: object) -> None:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise InputError(f"{where} has {pair!r} where a pair (operation, input) should be")
    name, source = pair
    if name not in OPERATIONS and name != NONE:
        known = ", ".join((NONE, *OPERATIONS))
        raise InputError(f"unknown operation {name!r} at {where}; DARTS has {known}")
    if type(source) is not int or not 0 <= source < inputs:
        raise InputError(f"{where} can't read input {source!r}; it has inputs 0 to {inputs - 1}")
