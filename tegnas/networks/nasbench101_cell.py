"""Cells of NAS-Bench-101 as graphs: live part, orders of the nodes, channels.

Ying et al., ICML 2019, arXiv 1902.09635, sections 2.2 and 2.3 and appendix S1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

OPERATIONS = ("conv1x1", "conv3x3", "maxpool3x3")
MAX_NODES = 7
MAX_EDGES = 9


@dataclass(frozen=True)
class Cell:
    """A directed acyclic graph: node 0 is the input of the cell, the last one its output.

    Attributes:
        inputs: of every node but the first, the nodes that it reads, as the bits of a number.
        operations: of every node but the first and the last.
    """

    inputs: tuple[int, ...]
    operations: tuple[str, ...]

    @property
    def output(self) -> int:
        """The number of the last node."""
        return len(self.inputs)

    def reads(self, node: int) -> tuple[int, ...]:
        """The nodes that a node reads, in their order."""
        return members(self.inputs[node - 1]) if node else ()

    def inner(self, node: int) -> tuple[int, ...]:
        """The nodes that a node reads besides the input of the cell, in their order."""
        return tuple(source for source in self.reads(node) if source)

    def readers(self, node: int) -> tuple[int, ...]:
        """The nodes that read a node, in their order."""
        return tuple(
            other
            for other in range(node + 1, self.output + 1)
            if self.inputs[other - 1] >> node & 1
        )

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return sum(each.bit_count() for each in self.inputs)

    @property
    def adjacency(self) -> str:
        """The upper triangle of the adjacency matrix, row by row, as zeros and ones."""
        return "".join(
            str(inputs >> source & 1)
            for source in range(self.output)
            for inputs in self.inputs[source:]
        )


def members(bits: int) -> tuple[int, ...]:
    """The numbers of the bits that are set."""
    return tuple(number for number in range(bits.bit_length()) if bits >> number & 1)


def cell_of(adjacency: str, operations: tuple[str, ...]) -> Cell:
    """The cell of an upper triangle, row by row, of ``len(operations) + 2`` nodes."""
    last = len(operations) + 1
    inputs = [0] * last
    entries = iter(adjacency)
    for source in range(last):
        for target in range(source + 1, last + 1):
            inputs[target - 1] |= (next(entries) == "1") << source
    return Cell(tuple(inputs), operations)


def live_nodes(cell: Cell) -> tuple[int, ...]:
    """The nodes on a path from the input to the output; none where there is no such path."""
    reached, needed = 1, 1 << cell.output
    for node, inputs in enumerate(cell.inputs, start=1):
        reached |= (inputs & reached != 0) << node
    for node in range(cell.output, 0, -1):
        if needed >> node & 1:
            needed |= cell.inputs[node - 1]
    return members(reached & needed) if reached >> cell.output & 1 else ()


@lru_cache(maxsize=65536)
def live_part(cell: Cell) -> Cell | None:
    """The cell without the nodes that are on no path from input to output; None without a path."""
    live = live_nodes(cell)
    if not live:
        return None
    return cell if len(live) == cell.output + 1 else rearranged(cell, live)


def rearranged(cell: Cell, order: tuple[int, ...]) -> Cell:
    """The cell of some of its nodes, the input first and the output last, in another order.

    No node may come before one that it reads.
    """
    place = {node: index for index, node in enumerate(order)}
    inputs = tuple(
        sum(1 << place[source] for source in cell.reads(node) if source in place)
        for node in order[1:]
    )
    return Cell(inputs, tuple(cell.operations[node - 1] for node in order[1:-1]))


def orders(cell: Cell) -> Iterator[tuple[int, ...]]:
    """Every order of the nodes in which each comes after those that it reads: at most 120."""

    def extend(order: tuple[int, ...], placed: int) -> Iterator[tuple[int, ...]]:
        if len(order) == cell.output:
            yield (*order, cell.output)
            return
        for node in range(1, cell.output):
            if not placed >> node & 1 and cell.inputs[node - 1] & ~placed == 0:
                yield from extend((*order, node), placed | 1 << node)

    return extend((0,), 1)


def first_form(cell: Cell) -> Cell:
    """Of all orders of its nodes the one whose matrix, then operations, come first as texts."""
    forms = (rearranged(cell, order) for order in orders(cell))
    return min(forms, key=lambda form: (form.adjacency, form.operations))


def node_channels(cell: Cell, channels: int) -> tuple[int, ...]:
    """Channels of the nodes between input and output of a live cell that gives ``channels``.

    The nodes that the output concatenates divide its channels, the first ones taking one more
    where that leaves a rest; any other node has as many as the widest of those that read it. Where
    there are fewer channels than nodes to be concatenated, as in tiny networks only, each has one,
    and the output is wider.
    """
    concatenated = cell.inner(cell.output)
    widths = [0] * (cell.output - 1)
    if concatenated:
        share, rest = divmod(channels, len(concatenated))
        for index, node in enumerate(concatenated):
            widths[node - 1] = max(1, share + (index < rest))
    for node in range(cell.output - 1, 0, -1):
        if not widths[node - 1]:
            widths[node - 1] = max(widths[reader - 1] for reader in cell.readers(node))
    return tuple(widths)


def output_channels(cell: Cell, channels: int) -> int:
    """Channels of the output: ``channels``, or more, see ``node_channels``."""
    return max(channels, len(cell.inner(cell.output)))
