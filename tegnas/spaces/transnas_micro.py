"""The micro space of TransNAS-Bench-101 (Duan et al., CVPR 2021, arXiv 2105.11871): 4,096 cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.engine.template import ProgramTemplate
from tegnas.errors import InputError
from tegnas.networks.full import check_size
from tegnas.networks.initialise import initialised
from tegnas.networks.nasbench201 import EDGES, live_edges
from tegnas.networks.transnas import MICRO_CODE, TransNasNetwork, TransNasSize
from tegnas.networks.transnas_program import micro_template, transnas_program
from tegnas.networks.transnas_sizes import network_size
from tegnas.networks.transnas_source import transnas_source
from tegnas.spaces.base import DEEP_KINDS
from tegnas.spaces.drawing import CellGraph
from tegnas.spaces.factorised import Choice, RemovalGroup, Supernet, parse_supernet
from tegnas.spaces.nasbench201 import cell_graph
from tegnas.spaces.product import ProductSpace
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize
from tegnas.spaces.transnas_sizes import PUBLISHED, RECIPE, full_size, network_sizes, size_of_kind

# In the order of the benchmark's digits.
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")

_TEXT = re.compile(rf"{PUBLISHED.channels}-{MICRO_CODE}-([0-3])_([0-3]{{2}})_([0-3]{{3}})")
_MACRO = re.compile(r"\d+-\d+-basic")


@dataclass(frozen=True)
class TransNasMicroArchitecture:
    """The operations of the six edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3."""

    operations: tuple[str, ...]

    def __str__(self) -> str:
        first, *rest = (str(OPERATIONS.index(name)) for name in self.operations)
        cell = f"{first}_{''.join(rest[:2])}_{''.join(rest[2:])}"
        return f"{PUBLISHED.channels}-{MICRO_CODE}-{cell}"


class TransNasMicro(ProductSpace):
    """Cells of four nodes with one of four operations on each of the six edges.

    The cell is that of NAS-Bench-201 without its pool, but stands twice in each of five modules, of
    which three double the channels and halve the resolution: there the edges out of the input of
    the first cell do so, a skip by a factorized reduction with weights.

    Args:
        deep, deep_thin: sizes of the deep small networks.
        stem_stride: of each of the two convolutions of a small network's stem. The benchmark's, 2,
            bring 256 pixels to 64 before the first module; small networks see images of 16 and
            less, of which the last modules would see a single pixel.
    """

    name = "transnas-micro"
    recipe = RECIPE
    deep_kinds = DEEP_KINDS

    def __init__(
        self,
        *,
        deep: SmallSize = DEEP_SIZE,
        deep_thin: SmallSize = DEEP_THIN_SIZE,
        stem_stride: int = 1,
    ) -> None:
        check_size(stem_stride=stem_stride)
        self.deep, self.deep_thin, self.stem_stride = deep, deep_thin, stem_stride
        self._sizes = network_sizes(deep, deep_thin, stem_stride)

    def parse(self, text: str) -> TransNasMicroArchitecture | Supernet:
        """Read a cell such as ``64-41414-1_02_333``, or what ``str`` prints of a supernet.

        The digits of a node are the operations of its edges out of nodes 0, 1, …: 0 none, 1 skip,
        2 conv1x1, 3 conv3x3. Raises ``InputError`` for anything else.
        """
        supernet = parse_supernet(text, len(EDGES), OPERATIONS)
        if supernet is not None:
            return supernet
        match = _TEXT.fullmatch(text.strip())
        if match:
            return self.decode([int(digit) for digit in "".join(match.groups())])
        if _MACRO.fullmatch(text.strip()):
            raise InputError(
                f"{text!r} is a network of the macro space of TransNAS-Bench-101; name that space "
                "(transnas-macro)"
            )
        raise InputError(
            f"{text!r} is not a cell of TransNAS-Bench-101; it should look like "
            f"{PUBLISHED.channels}-{MICRO_CODE}-1_02_333, with digits from 0 to 3"
        )

    def choices(self) -> tuple[Choice, ...]:
        """The operation of each of the six edges."""
        return tuple(Choice(f"{source}→{target}", OPERATIONS) for source, target in EDGES)

    def encode(self, arch: TransNasMicroArchitecture) -> tuple[int, ...]:
        """The digit of each edge's operation."""
        return tuple(OPERATIONS.index(name) for name in arch.operations)

    def decode(self, indices: Sequence[int]) -> TransNasMicroArchitecture:
        """The architecture with these operations."""
        return TransNasMicroArchitecture(tuple(OPERATIONS[index] for index in indices))

    def supernet(self) -> Supernet:
        """All operations but ``none`` on every edge, as TE-NAS begins."""
        return Supernet((OPERATIONS[1:],) * len(EDGES))

    def removals(self, supernet: Supernet) -> tuple[RemovalGroup, ...]:
        """One operation of an edge that has several; one must stay."""
        return tuple(
            RemovalGroup(tuple((edge, name) for name in names), keep=1)
            for edge, names in enumerate(supernet.operations)
            if len(names) > 1
        )

    def single_path(self, supernet: Supernet) -> TransNasMicroArchitecture:
        """The architecture of the one operation that is left on every edge."""
        return TransNasMicroArchitecture(tuple(name for (name,) in supernet.operations))

    def canonical(self, arch: TransNasMicroArchitecture) -> str:
        """The cell as an expression in its input; equal for isomorphic cells (1,229 classes).

        A skip out of an inner node stands for that node, one out of the input is an operation,
        since it has weights in three of the ten cells; what has no path from the input is nothing;
        a sum is its terms in order, those of a skipped node among them. The benchmark's table is
        finer: it gives one result to isomorphic cells only, but trained some of them apart, such as
        those that differ in nodes that nothing reads.
        """
        nodes: list[tuple[str, ...]] = [("0",)]  # the terms of each
        for target in (1, 2, 3):
            terms: list[str] = []
            for name, (source, end) in zip(arch.operations, EDGES, strict=True):
                if end != target or name == "none" or not nodes[source]:
                    continue
                if name == "skip_connect" and source:
                    terms += nodes[source]
                else:
                    terms.append(f"({'+'.join(nodes[source])})@{name}")
            nodes.append(tuple(sorted(terms)))
        return "+".join(nodes[3])

    def representative(
        self, arch: TransNasMicroArchitecture | Supernet
    ) -> TransNasMicroArchitecture | Supernet:
        """The first architecture of the space with the same canonical form."""
        return arch if isinstance(arch, Supernet) else _first_of_classes()[self.canonical(arch)]

    def live(
        self, arch: TransNasMicroArchitecture | Supernet
    ) -> TransNasMicroArchitecture | Supernet:
        """The same cell with ``none`` on every edge that cannot matter.

        A supernet stands for itself.
        """
        if isinstance(arch, Supernet):
            return arch
        edges = zip(arch.operations, live_edges(arch.operations), strict=True)
        return TransNasMicroArchitecture(tuple(name if live else "none" for name, live in edges))

    def is_connected(self, arch: TransNasMicroArchitecture | Supernet) -> bool:
        """Whether a path without ``none`` leads from the cell's input to its output."""
        return any(live_edges(arch.operations))

    def network(
        self,
        arch: TransNasMicroArchitecture | Supernet,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network of an architecture.

        ``full``: the benchmark's own, 64 channels after the stem, two cells per module; ``proxy``:
        3 channels, one cell per module; ``thin``: 1 channel, one cell, no stem, on inputs of 3×3;
        ``deep`` and ``deep-thin``: of the space's sizes, the latter without stem on inputs of 2×2.
        """
        size = size_of_kind(self._sizes, kind)
        return _network(arch, size, num_classes, seed)

    def full_network(
        self,
        arch: TransNasMicroArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, 64 channels and 2 cells per module, or of another size."""
        return _network(arch, full_size(channels, cells), num_classes, seed)

    def program(
        self,
        arch: TransNasMicroArchitecture | Supernet,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind."""
        size = size_of_kind(self._sizes, kind)
        return transnas_program(MICRO_CODE, arch.operations, size, num_classes, image_shape, layout)

    def program_template(
        self, kind: str, *, num_classes: int, image_shape: Shape, layout: ParameterLayout
    ) -> ProgramTemplate:
        """``program`` of every architecture at once."""
        size = size_of_kind(self._sizes, kind)
        return micro_template(OPERATIONS, size, num_classes, image_shape, layout)

    def template_options(
        self, archs: Sequence[TransNasMicroArchitecture | Supernet]
    ) -> list[tuple[int, ...]] | None:
        """The operation of every edge of every architecture; None with a supernet among them."""
        options = []
        for arch in archs:
            if isinstance(arch, Supernet):
                return None
            options.append(self.encode(arch))
        return options

    def pytorch_source(
        self,
        arch: TransNasMicroArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        check_size(channels=channels, cells=cells, num_classes=num_classes)
        size = full_size(channels, cells)
        return transnas_source(str(arch), MICRO_CODE, arch.operations, size, num_classes, version)

    def parameters(self, arch: TransNasMicroArchitecture, num_classes: int) -> int:
        """Parameters of the full network."""
        return network_size(MICRO_CODE, arch.operations, PUBLISHED, num_classes, (3, 32, 32))[0]

    def flops(self, arch: TransNasMicroArchitecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return network_size(MICRO_CODE, arch.operations, PUBLISHED, num_classes, image_shape)[1]

    def cells(self, arch: TransNasMicroArchitecture) -> tuple[CellGraph, ...]:
        """The cell, drawn from left to right."""
        return (cell_graph(arch.operations),)


def _network(
    arch: TransNasMicroArchitecture | Supernet, size: TransNasSize, num_classes: int, seed: int
) -> nn.Module:
    return initialised(
        lambda: TransNasNetwork(MICRO_CODE, arch.operations, size, num_classes), seed
    )


@lru_cache(maxsize=1)
def _first_of_classes() -> dict[str, TransNasMicroArchitecture]:
    space = TransNasMicro()
    first: dict[str, TransNasMicroArchitecture] = {}
    for arch in space:
        first.setdefault(space.canonical(arch), arch)
    return first
