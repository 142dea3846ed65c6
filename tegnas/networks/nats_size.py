"""Networks of the NATS-Bench size space (Dong et al., TPAMI 2021, arXiv 2009.00437)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tegnas.networks.layers import BN_EPSILON, BNReLU, ConvBN, ReLUConvBN
from tegnas.networks.nasbench201 import EDGES, Cell, Reduction

# The cell of every architecture of the space:
# |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|
SKIP = 3


class Projection(nn.Module):
    """A skip between different numbers of channels: 1×1 convolution, BatchNorm."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


def make_size_cell(in_channels: int, out_channels: int) -> Cell:
    """The fixed cell; edges out of its input change the number of channels."""
    edges: list[nn.Module] = []
    for index, (source, _) in enumerate(EDGES):
        channels = in_channels if source == 0 else out_channels
        if index != SKIP:
            edges.append(ReLUConvBN(channels, out_channels, 3))
        elif channels == out_channels:
            edges.append(nn.Identity())
        else:
            edges.append(Projection(channels, out_channels))
    return Cell(edges)


class SizeNetwork(nn.Module):
    """Stem, then cells and reduction blocks in turn, with five numbers of channels.

    ``forward``: (N, 3, H, W) → logits (N, num_classes).
    """

    searched_prefixes = ("stage", "reduction")

    def __init__(self, channels: Sequence[int], num_classes: int) -> None:
        super().__init__()
        first, second, third, fourth, fifth = channels
        self.stem = ConvBN(3, first)
        self.stage0 = make_size_cell(first, first)
        self.reduction0 = Reduction(first, second)
        self.stage1 = make_size_cell(second, third)
        self.reduction1 = Reduction(third, fourth)
        self.stage2 = make_size_cell(fourth, fifth)
        self.last = BNReLU(fifth)
        self.classifier = nn.Linear(fifth, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage0(self.stem(x))
        x = self.stage1(self.reduction0(x))
        x = self.stage2(self.reduction1(x))
        return self.classifier(self.last(x).mean((2, 3)))


class SizeThinNetwork(nn.Module):
    """A cell for each of the five numbers of channels, without a stem: for the region count.

    ``forward``: (M, 1, H, W) → logits (M, num_classes). Its inputs are single numbers: regions are
    then the pieces of a line, of which wider networks have more. On inputs of several dimensions
    every network of this space tells all inputs apart.
    """

    searched_prefixes = ("stage",)
    region_input_shape = (1, 1, 1)

    def __init__(self, channels: Sequence[int], num_classes: int) -> None:
        super().__init__()
        inputs = (1, *channels)
        for index, outputs in enumerate(channels):
            self.add_module(f"stage{index}", make_size_cell(inputs[index], outputs))
        self.count = len(channels)
        self.last = BNReLU(inputs[-1])
        self.classifier = nn.Linear(inputs[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        for index in range(self.count):
            x = self.get_submodule(f"stage{index}")(x)
        return self.classifier(self.last(x).mean((2, 3)))
