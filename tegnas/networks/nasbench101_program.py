"""Programs of NAS-Bench-101 networks, written without making the ``nn.Module``.

The same networks, with the same parameter names, as ``tegnas.networks.nasbench101``.

Programs have no instruction that cuts channels off. A layer of one channel too many for one of its
readers is computed in two parts instead, its last channel apart: a reader takes one or both.
"""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.engine.program import ParameterLayout, Part, Program, ProgramBuilder, Shape
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS
from tegnas.networks.nasbench101 import STAGES, kernel_size_of
from tegnas.networks.nasbench101_cell import Cell, node_channels, output_channels

# The value of a node, in one part or in two.
Parts = tuple[int, ...]


def network_program(
    cell: Cell,
    channels: int,
    cells: int,
    num_classes: int,
    image_shape: Shape,
    layout: ParameterLayout,
    *,
    stem: bool = True,
) -> Program:
    """``NasBench101Network`` of a live cell; without a stem, ``NasBench101ThinNetwork``."""
    build = ProgramBuilder(image_shape, layout)
    value = 0
    build.check_channels(IMAGE_CHANNELS if stem else channels)
    if stem:
        value = _conv_bn_relu(build, 0, "stem", channels, 3, searched=False)
    for stage in range(STAGES):
        if stage:
            value = _halve(build, value)
        for index in range(cells):
            name = f"stage{stage}.cell{index}"
            value = _CellWriter(build, cell, channels << stage, value, name).write()
    build.linear(build.global_avg_pool(value), "classifier", num_classes)
    return build.build()


def _halve(build: ProgramBuilder, value: int) -> int:
    """A max pool that rounds up; what a cell gives is never negative, so zeros are no more."""
    _, height, width = build.shapes[value]
    if height % 2 or width % 2:
        value = build.pad(value, 0, width % 2, 0, height % 2)
    return build.max_pool(value, (2, 2), (2, 2), (0, 0))


def _conv_bn_relu(
    build: ProgramBuilder,
    value: int,
    name: str,
    channels: int,
    kernel_size: int,
    part: Part | None = None,
    searched: bool = True,
) -> int:
    side = (kernel_size, kernel_size)
    padding = (kernel_size // 2, kernel_size // 2)
    value = build.conv2d(
        value, f"{name}.conv", channels, side, padding=padding, searched=searched, part=part
    )
    return build.relu(
        build.batch_norm(value, f"{name}.bn", BN_EPSILON, searched=searched, part=part)
    )


class _CellWriter:
    """Writes one cell of a network."""

    def __init__(
        self, build: ProgramBuilder, cell: Cell, channels: int, value: int, name: str
    ) -> None:
        self._build = build
        self._cell = cell
        self._input = value
        self._name = name
        self._widths = (*node_channels(cell, channels), output_channels(cell, channels))
        self._divided = divided_nodes(cell, self._widths)

    def write(self) -> int:
        """The value of the output."""
        cell, build = self._cell, self._build
        values: list[Parts] = [(self._input,)]
        for node in range(1, cell.output):
            values.append(self._node(node, values))
        joined = [part for source in cell.inner(cell.output) for part in values[source]]
        terms = [build.concat(joined) if len(joined) > 1 else joined[0]] if joined else []
        if 0 in cell.reads(cell.output):
            terms += self._projection(cell.output, divided=False)
        return build.add(terms)

    def _node(self, node: int, values: Sequence[Parts]) -> Parts:
        cell, build = self._cell, self._build
        kernel_size = kernel_size_of(cell.operations[node - 1])
        divided = node in self._divided
        terms = [self._cut(values[source], source, node) for source in cell.inner(node)]
        if kernel_size == 0 and divided:  # part by part: what it reads is in two parts as well
            if 0 in cell.reads(node):
                terms.append(self._projection(node, divided=True))
            sums = [build.add(parts) for parts in zip(*terms, strict=True)]
            return tuple(build.max_pool(each, (3, 3), (1, 1), (1, 1)) for each in sums)
        whole = [build.concat(parts) if len(parts) > 1 else parts[0] for parts in terms]
        if 0 in cell.reads(node):
            whole += self._projection(node, divided=False)
        total = build.add(whole)
        if kernel_size == 0:
            return (build.max_pool(total, (3, 3), (1, 1), (1, 1)),)
        return self._layer(total, f"node{node}", node, kernel_size, divided=divided)

    def _cut(self, value: Parts, source: int, node: int) -> Parts:
        """The parts of a source that a node reads: all, or all but the last channel."""
        return value if self._widths[source - 1] == self._widths[node - 1] else value[:1]

    def _projection(self, node: int, *, divided: bool) -> Parts:
        return self._layer(self._input, f"projection{node}", node, 1, divided=divided)

    def _layer(self, value: int, name: str, node: int, kernel_size: int, *, divided: bool) -> Parts:
        """Convolution, BatchNorm and ReLU, of all channels of a node or with the last apart."""
        width = self._widths[node - 1]
        name = f"{self._name}.{name}"
        if not divided:
            return (_conv_bn_relu(self._build, value, name, width, kernel_size),)
        return tuple(
            _conv_bn_relu(self._build, value, name, count, kernel_size, Part(first, width))
            for first, count in ((0, width - 1), (width - 1, 1))
        )


def divided_nodes(cell: Cell, widths: Sequence[int]) -> frozenset[int]:
    """The nodes to be computed in two parts.

    Those of more channels than one of their readers has, and, since a pool works part by part,
    those that such a pool reads.
    """
    divided: set[int] = set()
    for node in range(cell.output - 1, 0, -1):
        for reader in cell.readers(node):
            if reader == cell.output:
                continue
            pools = kernel_size_of(cell.operations[reader - 1]) == 0
            if widths[reader - 1] < widths[node - 1] or (pools and reader in divided):
                divided.add(node)
    return frozenset(divided)
