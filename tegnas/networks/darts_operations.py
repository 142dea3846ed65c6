"""Operations of the DARTS space (Liu et al., ICLR 2019, arXiv 1806.09055, section 3.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.networks.layers import BN_EPSILON
from tegnas.networks.nasbench201 import Zero


def make_operation(name: str, channels: int, stride: int) -> nn.Module:
    """The module of one operation, from ``channels`` to ``channels``.

    With stride 2 every operation brings a side of n pixels to ⌈n/2⌉.
    """
    if name == "none":
        return Zero() if stride == 1 else nn.Sequential(nn.AvgPool2d(1, stride), Zero())
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    kind, kernel_size = name[:-4], int(name[-1])
    if kind == "sep_conv":
        return SeparableConvolution(channels, kernel_size, stride)
    if kind == "dil_conv":
        return DepthwisePointwise(channels, kernel_size, stride, dilation=2)
    raise KeyError(name)


class DepthwisePointwise(nn.Module):
    """ReLU, a convolution of each channel by itself, a 1×1 convolution across them, BatchNorm."""

    def __init__(self, channels: int, kernel_size: int, stride: int, dilation: int = 1) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.depthwise = nn.Conv2d(
            channels,
            channels,
            kernel_size,
            stride=stride,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=BN_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.pointwise(self.depthwise(self.relu(x))))


class SeparableConvolution(nn.Module):
    """The depthwise-pointwise block twice; only the first one strides."""

    def __init__(self, channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.sep0 = DepthwisePointwise(channels, kernel_size, stride)
        self.sep1 = DepthwisePointwise(channels, kernel_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.sep1(self.sep0(x))


class FactorizedReduction(nn.Module):
    """ReLU, two 1×1 convolutions of stride 2 with half of the channels each, BatchNorm.

    The first reads the even pixels of both sides, the second the odd ones. An odd side has one
    even pixel more than odd ones; there the second reads a zero beyond the border.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.relu = nn.ReLU()
        self.conv0 = nn.Conv2d(in_channels, half, 1, stride=2, bias=False)
        self.conv1 = nn.Conv2d(in_channels, out_channels - half, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        # Without the first row and column, and with a row and column of zeros after the last.
        shifted = F.pad(x, (-1, 1, -1, 1))
        return self.bn(torch.cat([self.conv0(x), self.conv1(shifted)], 1))
