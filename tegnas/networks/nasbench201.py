"""Networks of NAS-Bench-201 (Dong & Yang, ICLR 2020, arXiv 2001.00326, section 2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, reduce

import torch
from torch import Tensor, nn

from tegnas.networks.layers import BNReLU, ConvBN, ReLUConvBN
from tegnas.networks.mixed import MixedOperation

# Channels, and cells per stage, of the benchmark's own network.
PUBLISHED_SIZE = (16, 5)

# What an edge computes: one operation, or the mean of several in a supernet.
Operation = str | tuple[str, ...]

# Edges of the cell as (source node, target node), in the order of the architecture string.
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def carries(name: Operation) -> bool:
    """Whether an edge of this operation can give anything but zeros."""
    return name != "none" if isinstance(name, str) else any(map(carries, name))


def live_edges(operations: Sequence[Operation]) -> tuple[bool, ...]:
    """Whether each edge can matter to the output.

    Edges that cannot are those without an operation, those into a node on which the output does
    not depend, and those out of a node that nothing enters. The last turn zeros into zeros (a
    batch norm has no bias at initialisation), and the gradients of all their weights are zero.
    So the kernels of the network don't depend on them; its activation pattern may.
    """
    # As `carries`, without a call for each of the operations that have a name.
    carried = [name != "none" if isinstance(name, str) else carries(name) for name in operations]
    return _live_among(tuple(carried))


@cache  # of 64 cells
def _live_among(carried: tuple[bool, ...]) -> tuple[bool, ...]:
    carrying = [edge for carry, edge in zip(carried, EDGES, strict=True) if carry]
    entered, needed = {0}, {3}
    for source, target in carrying:  # in order of the target
        if source in entered:
            entered.add(target)
    for source, target in reversed(carrying):
        if target in needed:
            needed.add(source)
    return tuple(
        carry and source in entered and target in needed
        for carry, (source, target) in zip(carried, EDGES, strict=True)
    )


class Zero(nn.Module):
    """The operation ``none``: zeros that still depend on the input, so that gradients reach it."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


def make_operation(name: Operation, channels: int) -> nn.Module:
    """The module of one operation of the space, from ``channels`` to ``channels``."""
    if name in ("none", ()):
        return Zero()
    if isinstance(name, tuple):
        return MixedOperation(name, lambda each: make_operation(each, channels))
    if name == "skip_connect":
        return nn.Identity()
    if name == "nor_conv_1x1":
        return ReLUConvBN(channels, channels, 1)
    if name == "nor_conv_3x3":
        return ReLUConvBN(channels, channels, 3)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    raise KeyError(name)


class Cell(nn.Module):
    """Four nodes; every node is the sum of its incoming edges, the last one is the output."""

    def __init__(self, edges: Iterable[nn.Module]) -> None:
        super().__init__()
        for index, edge in enumerate(edges):
            self.add_module(f"edge{index}", edge)

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for target in (1, 2, 3):
            incoming = [
                self.get_submodule(f"edge{index}")(nodes[source])
                for index, (source, end) in enumerate(EDGES)
                if end == target
            ]
            nodes.append(reduce(torch.add, incoming))
        return nodes[3]


class Reduction(nn.Module):
    """Residual block of stride 2 between two stages."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(in_channels, out_channels, 3, stride=2)
        self.conv_b = ReLUConvBN(out_channels, out_channels, 3)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.downsample = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_b(self.conv_a(x)) + self.downsample(self.pool(x))


def make_cell(operations: Sequence[Operation], channels: int) -> Cell:
    """The cell of an architecture, from ``channels`` to ``channels``."""
    return Cell(make_operation(name, channels) for name in operations)


def make_stage(operations: Sequence[Operation], channels: int, cells: int) -> nn.Module:
    """One cell stands for itself (``stage0.edge0``); several are numbered (``stage0.cell1.…``)."""
    if cells == 1:
        return make_cell(operations, channels)
    stage = nn.Sequential()
    for index in range(cells):
        stage.add_module(f"cell{index}", make_cell(operations, channels))
    return stage


class NasBench201Network(nn.Module):
    """Stem, three stages of cells with a reduction block between them, classifier.

    ``forward``: (N, 3, H, W) → logits (N, num_classes).
    """

    # Prefixes of the parameters of the searched weights, for the kernel behind G.
    searched_prefixes: tuple[str, ...] = ("stage", "reduction")

    def __init__(
        self, operations: Sequence[Operation], channels: int, cells: int, num_classes: int
    ) -> None:
        super().__init__()
        self.stem = ConvBN(3, channels)
        self.stage0 = make_stage(operations, channels, cells)
        self.reduction0 = Reduction(channels, 2 * channels)
        self.stage1 = make_stage(operations, 2 * channels, cells)
        self.reduction1 = Reduction(2 * channels, 4 * channels)
        self.stage2 = make_stage(operations, 4 * channels, cells)
        self.last = BNReLU(4 * channels)
        self.classifier = nn.Linear(4 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage0(self.stem(x))
        x = self.stage1(self.reduction0(x))
        x = self.stage2(self.reduction1(x))
        return self.classifier(self.last(x).mean((2, 3)))


class NasBench201DeepNetwork(NasBench201Network):
    """A network of few channels with several cells per stage; its weights are searched alone.

    With one cell per stage an architecture without a way around its convolutions looks as good as
    one with it; in the trained network, which has five, it isn't.
    """

    searched_prefixes = ("stage",)


class NasBench201ThinNetwork(nn.Module):
    """Cells of few channels without a stem: the network that expressivity is counted on.

    ``forward``: (M, channels, H, W) → logits (M, num_classes). A stem is kept among the weights,
    unused, because the paper's released networks have it.
    """

    searched_prefixes = ("stage",)

    # Side of the inputs.
    _side = 3

    def __init__(
        self,
        operations: Sequence[Operation],
        num_classes: int,
        channels: int = 1,
        cells: int = 1,
    ) -> None:
        super().__init__()
        self.region_input_shape = (channels, self._side, self._side)
        self.stem = ConvBN(channels, channels)
        self.stage0 = make_stage(operations, channels, cells)
        self.last = BNReLU(channels)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.last(self.stage0(x)).mean((2, 3)))


class NasBench201DeepThinNetwork(NasBench201ThinNetwork):
    """Several cells, on inputs of four pixels: those of nine have a region each by then."""

    _side = 2
