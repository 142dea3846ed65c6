"""Networks of inverted residual blocks (MobileNetV2: Sandler et al., CVPR 2018, 1801.04381)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from tegnas.networks.layers import BN_EPSILON


@dataclass(frozen=True)
class Stage:
    """Blocks of one width: how many, their kernel size and expansion."""

    width: int
    depth: int
    kernel_size: int
    expansion: int


class ConvBNReLU(nn.Module):
    """Convolution, BatchNorm and, unless ``linear``, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        *,
        linear: bool = False,
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
        self.act = nn.Identity() if linear else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class InvertedResidual(nn.Module):
    """Expand by 1×1, filter by a depthwise convolution, project by a linear 1×1.

    ReLU where MobileNetV2 has ReLU6, so that activation patterns are those of every other space.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, expansion: int, stride: int
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.expand = ConvBNReLU(in_channels, hidden, 1)
        self.depthwise = ConvBNReLU(hidden, hidden, kernel_size, stride, groups=hidden)
        self.project = ConvBNReLU(hidden, out_channels, 1, linear=True)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class MobileNet(nn.Module):
    """Stem, stages of inverted residual blocks, a 1×1 head, classifier.

    ``forward``: (N, in_channels, H, W) → logits (N, num_classes). Inputs of the region count are
    single numbers, see ``SizeThinNetwork``.
    """

    cell_prefixes = ("stage",)

    def __init__(
        self,
        stages: Sequence[Stage],
        strides: Sequence[int],
        *,
        stem: int | None,
        head: int,
        num_classes: int,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        self.region_input_shape = (in_channels, 1, 1)
        channels = in_channels if stem is None else stem
        self.stem = nn.Identity() if stem is None else ConvBNReLU(in_channels, stem, 3)
        for index, (stage, stride) in enumerate(zip(stages, strides, strict=True)):
            blocks = nn.Sequential()
            for block in range(stage.depth):
                blocks.add_module(
                    f"block{block}",
                    InvertedResidual(
                        channels,
                        stage.width,
                        stage.kernel_size,
                        stage.expansion,
                        stride if block == 0 else 1,
                    ),
                )
                channels = stage.width
            self.add_module(f"stage{index}", blocks)
        self.count = len(stages)
        self.head = ConvBNReLU(channels, head, 1)
        self.classifier = nn.Linear(head, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for index in range(self.count):
            x = self.get_submodule(f"stage{index}")(x)
        return self.classifier(self.head(x).mean((2, 3)))
