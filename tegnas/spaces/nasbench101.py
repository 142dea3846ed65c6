"""The NAS-Bench-101 space (Ying et al., ICML 2019, arXiv 1902.09635): 423,624 cells."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.errors import InputError
from tegnas.networks.initialise import initialised
from tegnas.networks.nasbench101 import (
    PUBLISHED_SIZE,
    NasBench101Network,
    NasBench101ThinNetwork,
)
from tegnas.networks.nasbench101_cell import (
    MAX_EDGES,
    MAX_NODES,
    OPERATIONS,
    Cell,
    cell_of,
    first_form,
    live_nodes,
    live_part,
)
from tegnas.networks.nasbench101_program import network_program
from tegnas.networks.nasbench101_sizes import network_size
from tegnas.networks.nasbench101_source import nasbench101_source
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, check_kind
from tegnas.spaces.drawing import CellEdge, CellGraph
from tegnas.spaces.factorised import Choice
from tegnas.spaces.nasbench101_enumeration import every_cell
from tegnas.spaces.nasbench101_notations import naslib_numbers, parse_cell
from tegnas.spaces.printed import PrintedSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.short_form import letters_for, to_base36
from tegnas.spaces.small_size import (
    DEEP_SIZE,
    DEEP_THIN_SIZE,
    PROXY_SIZE,
    THIN_SIZE,
    SmallSize,
)

_INNER = MAX_NODES - 2
# Pairs of nodes, row by row of the matrix: the edges that a cell of seven nodes may have.
_PAIRS = tuple(
    (source, target) for source in range(MAX_NODES) for target in range(source + 1, MAX_NODES)
)
# The networks without a stem, with the sides of the images that regions are counted on.
_THIN_SIDES = {"thin": 3, "deep-thin": 2}
_LETTERS = {"conv1x1": "1", "conv3x3": "3", "maxpool3x3": "p"}
_NAMES = {letter: name for name, letter in _LETTERS.items()}
_SHORT = re.compile(r"([0-9a-z]+)-([13p]+)")
_DRAWN = {"conv1x1": "conv 1×1", "conv3x3": "conv 3×3", "maxpool3x3": "max pool"}


@dataclass(frozen=True)
class NasBench101Architecture:
    """A cell as it is written, nodes on no path from input to output included.

    Such nodes are no part of the network, but a mutation may bring them back, which is how cells
    grow. Raises ``InputError`` for a cell that the benchmark doesn't have.

    Attributes:
        adjacency: the upper triangle of the matrix, row by row, as zeros and ones.
        operations: of the nodes between input and output.
    """

    adjacency: str
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        nodes = len(self.operations) + 2
        if nodes > MAX_NODES:
            raise InputError(f"NAS-Bench-101 cells have at most {MAX_NODES} nodes, not {nodes}")
        pairs = nodes * (nodes - 1) // 2
        if len(self.adjacency) != pairs or set(self.adjacency) - {"0", "1"}:
            raise InputError(
                f"{self.adjacency!r} is no upper triangle of a matrix of {nodes} nodes, which is "
                f"{pairs} zeros and ones; a cell of {nodes} nodes has {nodes - 2} operations "
                "besides input and output"
            )
        for name in self.operations:
            if name not in OPERATIONS:
                raise InputError(
                    f"unknown operation {name!r}; NAS-Bench-101 has {', '.join(OPERATIONS)}"
                )
        if problem := _problem(cell_of(self.adjacency, self.operations)):
            raise InputError(f"{self} is no cell of NAS-Bench-101: {problem}")

    def __str__(self) -> str:
        return "|".join((self.adjacency, *self.operations))

    @property
    def cell(self) -> Cell:
        """The live part: what the network is made of."""
        part = live_part(cell_of(self.adjacency, self.operations))
        assert part is not None
        return part


class NasBench101(PrintedSpace):
    """Cells of up to seven nodes and nine edges, with one of three operations on each node.

    Two cells are one architecture of the benchmark if their live parts differ in the numbering of
    their nodes alone. ``len`` and iteration are of these: 423,624, each in the form that comes
    first as a text. Where a cell divides its channels among three nodes, which doesn't come out
    even, the numbering decides who gets the channel that is left; the benchmark trained one form.

    The space is no product of choices. ``encode`` and ``decode`` see a cell as 21 edges, there or
    not, and five operations; a combination that is no cell is mended, see ``decode``.

    Args:
        deep: size of the networks behind the kernels, of 0.6 of the published depth.
        deep_thin: size of those behind the activation patterns.
    """

    name = "nas-bench-101"
    image_channels = 3

    # Ying et al., appendix S2, with SGD in place of RMSProp, whose epsilon of 1 is far above the
    # squared gradients and makes it nearly that.
    recipe = Recipe(
        epochs=108, batch_size=256, learning_rate=0.2, weight_decay=1e-4, nesterov=False
    )
    deep_kinds = DEEP_KINDS

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.deep = deep
        self.deep_thin = deep_thin

    def parse(self, text: str) -> NasBench101Architecture:
        """Read ``111101|conv1x1|conv3x3``, the short form, or a matrix and operations.

        See :mod:`tegnas.spaces.nasbench101_notations`. Raises ``InputError`` for a malformed text
        and for a cell that the benchmark doesn't have: without a path from input to output, of
        more than seven nodes, or of more than nine edges in its live part.
        """
        if match := _SHORT.fullmatch(text.strip()):
            letters, operations = match.groups()
            pairs = (len(operations) + 2) * (len(operations) + 1) // 2
            adjacency = format(int(letters, 36), f"0{pairs}b")
            return NasBench101Architecture(adjacency, tuple(_NAMES[each] for each in operations))
        return NasBench101Architecture(*parse_cell(text))

    def short(self, arch: NasBench101Architecture) -> str:
        """The adjacency as a number in base 36, and a letter for each operation: ``1p-13``."""
        letters = to_base36(int(arch.adjacency, 2), letters_for(2 ** len(arch.adjacency)))
        operations = "".join(_LETTERS[name] for name in arch.operations)
        return f"{letters}-{operations}" if operations else str(arch)

    def __len__(self) -> int:
        """Cells that differ in more than the numbering of their nodes."""
        return 423_624

    def __iter__(self) -> Iterator[NasBench101Architecture]:
        """The first form of every cell, smaller ones first."""
        for adjacency, operations in every_cell():
            yield NasBench101Architecture(adjacency, operations)

    def sample(self, rng: random.Random) -> NasBench101Architecture:
        """Drawn uniformly from the written cells of seven nodes, as by the benchmark's authors.

        Edges and operations are drawn until they are a cell; it may have dead nodes.
        """
        while True:
            adjacency = format(rng.getrandbits(len(_PAIRS)), f"0{len(_PAIRS)}b")
            operations = tuple(rng.choice(OPERATIONS) for _ in range(_INNER))
            if not _problem(cell_of(adjacency, operations)):
                return NasBench101Architecture(adjacency, operations)

    def mutate(self, arch: NasBench101Architecture, rng: random.Random) -> NasBench101Architecture:
        """A neighbour drawn uniformly."""
        return rng.choice(list(self.neighbours(arch)))

    def neighbours(self, arch: NasBench101Architecture) -> Iterator[NasBench101Architecture]:
        """The cells with one edge more or less, or another operation on one node: at most 31.

        A cell of fewer nodes is first given dead ones, so that it may grow. A change among dead
        nodes leaves the network as it is.
        """
        arch = _of_seven_nodes(arch)
        written = [
            (_flipped(arch.adjacency, place), arch.operations) for place in range(len(_PAIRS))
        ]
        written += [
            (arch.adjacency, (*arch.operations[:place], name, *arch.operations[place + 1 :]))
            for place, current in enumerate(arch.operations)
            for name in OPERATIONS
            if name != current
        ]
        for adjacency, operations in written:
            if not _problem(cell_of(adjacency, operations)):
                yield NasBench101Architecture(adjacency, operations)

    def choices(self) -> tuple[Choice, ...]:
        """Whether each of the 21 edges of seven nodes is there, and the five operations."""
        edges = (Choice(f"{source}→{target}", ("no edge", "edge")) for source, target in _PAIRS)
        nodes = (Choice(f"node {node}", OPERATIONS) for node in range(1, _INNER + 1))
        return (*edges, *nodes)

    def encode(self, arch: NasBench101Architecture) -> tuple[int, ...]:
        """The options taken; a cell of fewer nodes is first given dead ones."""
        arch = _of_seven_nodes(arch)
        return (*map(int, arch.adjacency), *map(OPERATIONS.index, arch.operations))

    def decode(self, indices: Sequence[int]) -> NasBench101Architecture:
        """The cell with these options, mended where they are none.

        Without a path from input to output it gets the edge between the two. A live part of more
        than nine edges loses one after the other, the last one, row by row, that no node is lost
        with, or if there is none, that not every path is lost with.
        """
        adjacency = "".join(map(str, indices[: len(_PAIRS)]))
        operations = tuple(OPERATIONS[index] for index in indices[len(_PAIRS) :])
        return NasBench101Architecture(_mended(adjacency, operations), operations)

    def canonical(self, arch: NasBench101Architecture) -> NasBench101Architecture:
        """The live part in the form that comes first: the same for cells that are one."""
        form = first_form(arch.cell)
        return NasBench101Architecture(form.adjacency, form.operations)

    def representative(self, arch: NasBench101Architecture) -> NasBench101Architecture:
        """The canonical form."""
        return self.canonical(arch)

    def live(self, arch: NasBench101Architecture) -> NasBench101Architecture:
        """The cell without dead nodes."""
        return NasBench101Architecture(arch.cell.adjacency, arch.cell.operations)

    def is_connected(self, arch: NasBench101Architecture) -> bool:
        """Always: a cell without a path isn't read."""
        return True

    def network(
        self,
        arch: NasBench101Architecture,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network.

        ``full``: the benchmark's own, 128 channels and three cells per stage; ``proxy`` and
        ``thin``: one cell per stage, 3 channels, and 1 without a stem; ``deep`` and
        ``deep-thin``: the same at the sizes of the space, by default of 0.6 of the published depth.
        """
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        cell = arch.cell
        if kind in _THIN_SIDES:
            size, side = self._size(kind), _THIN_SIDES[kind]
            return initialised(
                lambda: NasBench101ThinNetwork(cell, *size, num_classes, side=side), seed
            )
        return initialised(lambda: NasBench101Network(cell, *self._size(kind), num_classes), seed)

    def program(
        self,
        arch: NasBench101Architecture,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind."""
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        stem = kind not in _THIN_SIDES
        return network_program(
            arch.cell, *self._size(kind), num_classes, image_shape, layout, stem=stem
        )

    def full_network(
        self,
        arch: NasBench101Architecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, 128 channels and 3 cells per stage, or of another size."""
        size = (channels or PUBLISHED_SIZE[0], cells or PUBLISHED_SIZE[1], num_classes)
        return initialised(lambda: NasBench101Network(arch.cell, *size), seed)

    def pytorch_source(
        self,
        arch: NasBench101Architecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        return nasbench101_source(
            arch, channels=channels, cells=cells, num_classes=num_classes, version=version
        )

    def naslib_text(self, arch: NasBench101Architecture) -> str:
        """NASLib's tuple: the matrix row by row and a number for every node."""
        return str(naslib_numbers(arch.adjacency, arch.operations))

    def parameters(self, arch: NasBench101Architecture, num_classes: int) -> int:
        """Parameters of the full network: what the benchmark calls trainable parameters."""
        return network_size(arch.cell, *PUBLISHED_SIZE, num_classes, (3, 32, 32))[0]

    def flops(self, arch: NasBench101Architecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return network_size(arch.cell, *PUBLISHED_SIZE, num_classes, image_shape)[1]

    def cells(self, arch: NasBench101Architecture) -> tuple[CellGraph, ...]:
        """The live part of the cell, drawn from left to right; operations stand in the nodes."""
        cell = arch.cell
        names = ["in", *(f"{i} {_DRAWN[name]}" for i, name in enumerate(cell.operations, 1)), "out"]
        heights = (0.0, 0.7, -0.7, 1.1, -1.1, 0.4)
        nodes = {name: (1.0 * node, heights[node % 6]) for node, name in enumerate(names)}
        nodes["out"] = (1.0 * cell.output, 0.0)
        edges = tuple(
            CellEdge(names[source], names[node], "")
            for node in range(1, cell.output + 1)
            for source in cell.reads(node)
        )
        return (CellGraph("cell", nodes, edges),)

    def _size(self, kind: str) -> tuple[int, int]:
        """Channels of the first stage, and cells per stage."""
        if kind == "full":
            return PUBLISHED_SIZE
        sizes = {
            "proxy": PROXY_SIZE,
            "thin": THIN_SIZE,
            "deep": self.deep,
            "deep-thin": self.deep_thin,
        }
        size = sizes[kind]
        return size.channels, size.cells(PUBLISHED_SIZE[1])


def _problem(cell: Cell) -> str:
    """Why a written cell isn't one of the benchmark; empty if it is."""
    part = live_part(cell)
    if part is None:
        return "no path leads from its input to its output"
    if part.edges > MAX_EDGES:
        return f"its live part has {part.edges} edges, and {MAX_EDGES} is the most"
    return ""


def _flipped(adjacency: str, place: int) -> str:
    return f"{adjacency[:place]}{'10'[int(adjacency[place])]}{adjacency[place + 1 :]}"


def _of_seven_nodes(arch: NasBench101Architecture) -> NasBench101Architecture:
    """The same cell with as many dead nodes, just before the output, as it has too few."""
    missing = _INNER - len(arch.operations)
    if not missing:
        return arch
    cell = cell_of(arch.adjacency, arch.operations)
    inputs = (*cell.inputs[:-1], *(0,) * missing, cell.inputs[-1])
    operations = (*cell.operations, *(OPERATIONS[0],) * missing)
    return NasBench101Architecture(Cell(inputs, operations).adjacency, operations)


def _mended(adjacency: str, operations: tuple[str, ...]) -> str:
    """The adjacency of a cell, see ``NasBench101.decode``."""

    def live(written: str) -> tuple[int, ...]:
        return live_nodes(cell_of(written, operations))

    if not live(adjacency):
        adjacency = _flipped(adjacency, _PAIRS.index((0, MAX_NODES - 1)))
    while _problem(cell_of(adjacency, operations)):  # too many edges
        nodes = live(adjacency)
        without = [
            _flipped(adjacency, place)
            for place in reversed(range(len(_PAIRS)))
            if adjacency[place] == "1" and set(_PAIRS[place]) <= set(nodes)
        ]
        keeping = [each for each in without if live(each) == nodes]
        adjacency = (keeping or [each for each in without if live(each)])[0]
    return adjacency
