"""The micro space of TransNAS-Bench-101 (Duan et al., CVPR 2021, arXiv 2105.11871): 4,096 cells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tegnas.engine.program import ParameterLayout, Shape
from tegnas.engine.template import ProgramTemplate
from tegnas.errors import InputError
from tegnas.networks.nasbench201 import EDGES
from tegnas.networks.transnas import MICRO_CODE
from tegnas.networks.transnas_program import micro_template
from tegnas.spaces.factorised import Supernet, parse_supernet
from tegnas.spaces.four_node_cells import FourNodeCells
from tegnas.spaces.transnas import PUBLISHED, TransNasSpace, Wiring

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


class TransNasMicro(
    TransNasSpace[TransNasMicroArchitecture], FourNodeCells[TransNasMicroArchitecture]
):
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
    image_channels = 3
    operations = OPERATIONS

    def cell_of(self, operations: tuple[str, ...]) -> TransNasMicroArchitecture:
        """The architecture of these operations."""
        return TransNasMicroArchitecture(operations)

    def wiring(self, arch: TransNasMicroArchitecture | Supernet) -> Wiring:
        """The benchmark's five modules, with the cell in all of them."""
        return MICRO_CODE, arch.operations

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

    def short(self, arch: TransNasMicroArchitecture) -> str:
        """The benchmark's own index, which is short."""
        return str(arch)

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

    def program_template(
        self, kind: str, *, num_classes: int, image_shape: Shape, layout: ParameterLayout
    ) -> ProgramTemplate:
        """``program`` of every architecture at once."""
        return micro_template(OPERATIONS, self.size_of(kind), num_classes, image_shape, layout)
