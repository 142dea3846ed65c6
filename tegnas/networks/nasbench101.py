"""Networks of NAS-Bench-101 (Ying et al., ICML 2019, arXiv 1902.09635, section 2 and appendix S1).

A stem of one 3×3 convolution, three stages of three cells, between them a max pool that halves the
image while the channels double, global average pool, linear layer. Every convolution is followed
by BatchNorm and ReLU. Within a cell a node adds what it reads, cut to its own channels; the output
concatenates. Whatever reads the input of the cell, the output too, reads it through a 1×1
convolution of its own and adds it.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn

from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS
from tegnas.networks.nasbench101_cell import Cell, node_channels, output_channels

# Channels of the first stage, and cells per stage, of the benchmark's own network.
PUBLISHED_SIZE = (128, 3)
STAGES = 3


class ConvBNReLU(nn.Module):
    """A convolution without bias, BatchNorm, ReLU.

    BatchNorm has PyTorch's momentum. The benchmark's own, 0.997 (0.003 as PyTorch counts), needs
    its 108 epochs before the running statistics are good for anything.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPSILON)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


def kernel_size_of(operation: str) -> int:
    """The side of an operation's convolution; 0 for the pool."""
    return {"conv1x1": 1, "conv3x3": 3, "maxpool3x3": 0}[operation]


class NasBench101Cell(nn.Module):
    """A live cell, from ``in_channels`` to ``channels``."""

    def __init__(self, cell: Cell, in_channels: int, channels: int) -> None:
        super().__init__()
        self.cell = cell
        self.widths = (*node_channels(cell, channels), output_channels(cell, channels))
        for node, width in enumerate(self.widths, start=1):
            if 0 in cell.reads(node):
                self.add_module(f"projection{node}", ConvBNReLU(in_channels, width, 1))
            if node < cell.output:
                self.add_module(f"node{node}", _operation(cell.operations[node - 1], width))

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for node in range(1, self.cell.output):
            terms = [self._cut(values[source], source, node) for source in self.cell.inner(node)]
            values.append(self.get_submodule(f"node{node}")(self._sum(node, terms, x)))
        terms = [values[source] for source in self.cell.inner(self.cell.output)]
        if len(terms) > 1:
            terms = [torch.cat(terms, 1)]
        return self._sum(self.cell.output, terms, x)

    def _cut(self, value: Tensor, source: int, node: int) -> Tensor:
        """The channels of a source that a node reads: its first ones."""
        width = self.widths[node - 1]
        return value if self.widths[source - 1] == width else value[:, :width]

    def _sum(self, node: int, terms: list[Tensor], x: Tensor) -> Tensor:
        if 0 in self.cell.reads(node):
            terms = [*terms, self.get_submodule(f"projection{node}")(x)]
        return reduce(torch.add, terms)


class NasBench101Network(nn.Module):
    """``forward``: (N, 3, H, W) → logits (N, num_classes).

    Args:
        cell: a live cell.
        channels: of the first stage; every stage doubles them.
        cells: per stage.
        stem: whether there is one; without it the first cell reads images of ``channels``.
    """

    searched_prefixes = ("stage",)

    def __init__(
        self, cell: Cell, channels: int, cells: int, num_classes: int, *, stem: bool = True
    ) -> None:
        super().__init__()
        self.stem = ConvBNReLU(IMAGE_CHANNELS, channels, 3) if stem else nn.Identity()
        width = channels
        for stage in range(STAGES):
            made = nn.Sequential()
            for index in range(cells):
                stage_channels = channels << stage
                made.add_module(f"cell{index}", NasBench101Cell(cell, width, stage_channels))
                width = output_channels(cell, stage_channels)
            self.add_module(f"stage{stage}", made)
        # A side that isn't even is rounded up, as TensorFlow's padding "same" does.
        self.pool = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in range(STAGES):
            x = self.get_submodule(f"stage{stage}")(self.pool(x) if stage else x)
        return self.classifier(x.mean((2, 3)))


class NasBench101ThinNetwork(NasBench101Network):
    """The same without a stem, for images of a few pixels: what regions are counted on.

    ``forward``: (M, channels, side, side) → logits (M, num_classes).
    """

    def __init__(
        self, cell: Cell, channels: int, cells: int, num_classes: int, *, side: int
    ) -> None:
        super().__init__(cell, channels, cells, num_classes, stem=False)
        self.region_input_shape = (channels, side, side)


def _operation(name: str, channels: int) -> nn.Module:
    kernel_size = kernel_size_of(name)
    if kernel_size == 0:
        return nn.MaxPool2d(3, stride=1, padding=1)
    return ConvBNReLU(channels, channels, kernel_size)
