"""Inverted residual blocks: expand by 1×1, filter each channel by itself, project by 1×1.

MobileNetV2 (Sandler et al., CVPR 2018, arXiv 1801.04381); with squeeze-and-excitation between the
filter and the projection as in MnasNet (Tan et al., CVPR 2019, arXiv 1807.11626) and MobileNetV3
(Howard et al., ICCV 2019, arXiv 1905.02244), which also has hard-swish for ReLU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.networks.layers import BN_EPSILON

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "hardswish": nn.Hardswish,
}


@dataclass(frozen=True)
class InvertedResidual:
    """A block; a network is a list of them.

    Attributes:
        in_channels, out_channels: of the block.
        kernel_size, stride: of the filter.
        expansion: how many times the input's channels the filter has; a block of 1 doesn't expand.
        residual: whether the input is added to the output. It is the published network that tells:
            in a small one, widths may be equal where it has none.
        squeezed: channels of the squeeze-and-excitation; 0 for none.
        activation: a key of ``ACTIVATIONS``; that of squeeze-and-excitation is always ReLU.

    Raises:
        InputError: an activation that isn't known, or a residual where it has nothing to add to.
    """

    in_channels: int
    out_channels: int
    kernel_size: int
    expansion: int
    stride: int = 1
    residual: bool = False
    squeezed: int = 0
    activation: str = "relu"

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise InputError(
                f"unknown activation {self.activation!r} of a block; choose one of "
                f"{', '.join(ACTIVATIONS)}"
            )
        if self.residual and (self.stride > 1 or self.in_channels != self.out_channels):
            raise InputError(
                f"a block from {self.in_channels} to {self.out_channels} channels with stride "
                f"{self.stride} can't be residual; that takes equal channels and stride 1"
            )

    @property
    def hidden(self) -> int:
        """Channels of the filter."""
        return self.in_channels * self.expansion


@dataclass(frozen=True)
class Projection:
    """What stands for an identity between different widths or sizes: 1×1 convolution, BatchNorm."""

    in_channels: int
    out_channels: int
    stride: int = 1


Block = InvertedResidual | Projection


class ConvBNActivation(nn.Module):
    """Convolution without bias, BatchNorm and an activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPSILON)
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class SqueezeExcitation(nn.Module):
    """Scales channels by what their means say (Hu et al., CVPR 2018, arXiv 1709.01507).

    Gated by a hard sigmoid as in MobileNetV3.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.act = nn.ReLU()
        self.excite = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.excite(self.act(self.squeeze(means))))


class InvertedResidualBlock(nn.Module):
    """The module of an ``InvertedResidual``: (N, in_channels, H, W) → (N, out_channels, H', W')."""

    def __init__(self, block: InvertedResidual) -> None:
        super().__init__()
        hidden, activation = block.hidden, block.activation
        if block.expansion > 1:
            self.expand: nn.Module = ConvBNActivation(
                block.in_channels, hidden, 1, activation=activation
            )
        else:
            self.expand = nn.Identity()
        self.depthwise = ConvBNActivation(
            hidden, hidden, block.kernel_size, block.stride, hidden, activation
        )
        if block.squeezed:
            self.excitation: nn.Module = SqueezeExcitation(hidden, block.squeezed)
        else:
            self.excitation = nn.Identity()
        self.project = ConvBNActivation(hidden, block.out_channels, 1, activation="none")
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.excitation(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


def make_block(block: Block) -> nn.Module:
    """The module of a block."""
    if isinstance(block, InvertedResidual):
        return InvertedResidualBlock(block)
    return ConvBNActivation(
        block.in_channels, block.out_channels, 1, block.stride, activation="none"
    )
