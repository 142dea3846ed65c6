"""Building blocks that several search spaces share."""

from __future__ import annotations

from torch import Tensor, nn

BN_EPSILON = 1e-5
# What the stems of the networks read.
IMAGE_CHANNELS = 3


class ReLUConvBN(nn.Module):
    """ReLU, then a convolution without bias, then BatchNorm."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(self.relu(x)))


class ConvBN(nn.Module):
    """A convolution without bias, then BatchNorm: the stem."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class BNReLU(nn.Module):
    """BatchNorm, then ReLU: what stands before the global average pool."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=BN_EPSILON)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(x))
