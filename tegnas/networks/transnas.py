"""Networks of TransNAS-Bench-101 (Duan et al., CVPR 2021, arXiv 2105.11871, section 3).

Layers, widths and strides are those of the networks that the benchmark trained (its released code,
yawen-d/TransNASBench, ``net_macro.py``, ``cell_micro.py``, ``cell_ops.py``): a stem of two
convolutions of stride 2, four to six modules of two units each, average pool, linear layer. A unit
is a cell of four nodes or a residual block; the first of a module doubles the channels, halves the
resolution, or both. There is neither a norm nor a ReLU before the pool.

Classification of objects and scenes, room layout and jigsaw have this pooled linear head; the
other tasks put a decoder, the same for all architectures, behind the same modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.networks.darts_operations import FactorizedReduction
from tegnas.networks.layers import BN_EPSILON, IMAGE_CHANNELS, ReLUConvBN
from tegnas.networks.mixed import MixedOperation
from tegnas.networks.nasbench201 import EDGES, Cell, Operation, Zero

# The modules of every micro network.
MICRO_CODE = "41414"


@dataclass(frozen=True)
class TransNasSize:
    """Everything about a network that isn't its architecture.

    Attributes:
        channels: of the stem; module after module they double as the code says.
        units: cells or blocks per module.
        stem_stride: of each of the two convolutions of the stem; None leaves the stem out, and the
            first module reads inputs of ``channels``.
        region_side: of the inputs that its regions are counted on.
    """

    channels: int = 64
    units: int = 2
    stem_stride: int | None = 2
    region_side: int = 2


@dataclass(frozen=True)
class ModuleShape:
    """Channels of one module, and the stride of its first unit."""

    in_channels: int
    out_channels: int
    stride: int

    @property
    def kept(self) -> bool:
        """Whether what comes out is of the shape of what went in."""
        return self.in_channels == self.out_channels and self.stride == 1


def following(shape: ModuleShape) -> ModuleShape:
    """The shape of what comes after the first unit of a module, or the input of a cell."""
    return ModuleShape(shape.out_channels, shape.out_channels, 1)


def module_shapes(code: str, channels: int) -> tuple[ModuleShape, ...]:
    """The modules of a code: 1 plain, 2 channels doubled, 3 resolution halved, 4 both.

    Args:
        code: such as ``41414``.
        channels: of the input of the first.
    """
    shapes = []
    for digit in code:
        outputs = 2 * channels if digit in "24" else channels
        shapes.append(ModuleShape(channels, outputs, 2 if digit in "34" else 1))
        channels = outputs
    return tuple(shapes)


class StridedConvBN(nn.Module):
    """A convolution without bias, then BatchNorm."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
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
        return self.bn(self.conv(x))


class Stem(nn.Module):
    """Two 3×3 convolutions, the first to half of the channels."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        half = stem_width(channels)
        self.conv_a = StridedConvBN(IMAGE_CHANNELS, half, 3, stride)
        self.conv_b = ReLUConvBN(half, channels, 3, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_b(self.conv_a(x))


def stem_width(channels: int) -> int:
    """Channels between the two convolutions of the stem."""
    return max(1, channels // 2)


class StridedZero(nn.Module):
    """``none`` out of the input of a cell that doubles the channels and halves the resolution.

    The zeros depend on the input, so that gradients reach it.
    """

    def __init__(self, shape: ModuleShape) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(1, shape.stride)
        self.copies = shape.out_channels // shape.in_channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.pool(x) * 0.0] * self.copies, 1)


def make_operation(name: Operation, shape: ModuleShape) -> nn.Module:
    """The module of one operation, or of the several of a supernet.

    Where the shape is kept a skip is the identity; elsewhere it has weights, half of its channels
    from the even pixels and half from the odd ones.
    """
    if name in ("none", ()):
        return Zero() if shape.kept else StridedZero(shape)
    if isinstance(name, tuple):
        return MixedOperation(name, lambda each: make_operation(each, shape))
    if name == "skip_connect":
        if shape.kept:
            return nn.Identity()
        return FactorizedReduction(shape.in_channels, shape.out_channels)
    kernel_size = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}[name]
    return ReLUConvBN(shape.in_channels, shape.out_channels, kernel_size, shape.stride)


def make_cell(operations: Sequence[Operation], shape: ModuleShape) -> Cell:
    """A cell; what leaves its input changes the shape, the other edges keep it."""
    return Cell(
        make_operation(name, following(shape) if source else shape)
        for name, (source, _) in zip(operations, EDGES, strict=True)
    )


class BasicBlock(nn.Module):
    """Two ReLU-conv3x3-BN and a way around them, a 1×1 convolution where the shape changes."""

    def __init__(self, shape: ModuleShape) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(shape.in_channels, shape.out_channels, 3, shape.stride)
        self.conv_b = ReLUConvBN(shape.out_channels, shape.out_channels, 3)
        self.downsample: nn.Module = nn.Identity()
        if not shape.kept:
            self.downsample = StridedConvBN(shape.in_channels, shape.out_channels, 1, shape.stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class TransNasNetwork(nn.Module):
    """Stem, modules of cells or of residual blocks, classifier.

    ``forward``: (N, 3, H, W) → logits (N, num_classes); without a stem (N, channels, H, W).

    Args:
        code: of the modules, see ``module_shapes``.
        operations: of the six edges of every cell; None for residual blocks.
        size: the published one, or any other.
        num_classes: number of logits.
    """

    searched_prefixes = ("layer",)

    def __init__(
        self,
        code: str,
        operations: Sequence[Operation] | None,
        size: TransNasSize,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.region_input_shape = (size.channels, size.region_side, size.region_side)
        stride = size.stem_stride
        self.stem = nn.Identity() if stride is None else Stem(size.channels, stride)
        shapes = module_shapes(code, size.channels)
        for index, shape in enumerate(shapes):
            self.add_module(f"layer{index}", _make_module(operations, shape, size.units))
        self.count = len(shapes)
        self.classifier = nn.Linear(shapes[-1].out_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for index in range(self.count):
            x = self.get_submodule(f"layer{index}")(x)
        return self.classifier(x.mean((2, 3)))


def _make_module(
    operations: Sequence[Operation] | None, shape: ModuleShape, units: int
) -> nn.Sequential:
    module = nn.Sequential()
    for index in range(units):
        unit = BasicBlock(shape) if operations is None else make_cell(operations, shape)
        module.add_module(f"unit{index}", unit)
        shape = following(shape)
    return module
