"""Sizes of TransNAS-Bench-101 networks, added up layer by layer without making them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tegnas.engine.program import Shape
from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.nasbench201 import EDGES
from tegnas.networks.transnas import (
    ModuleShape,
    TransNasSize,
    following,
    module_shapes,
    stem_width,
)


@dataclass(frozen=True)
class _Conv:
    """A convolution with its BatchNorm.

    The two 1×1 convolutions of a skip that halves the resolution count as one: each makes half of
    the channels.
    """

    shape: ModuleShape
    kernel_size: int

    @property
    def weights(self) -> int:
        return self.shape.in_channels * self.shape.out_channels * self.kernel_size**2


def network_size(
    code: str,
    operations: Sequence[str] | None,
    size: TransNasSize,
    num_classes: int,
    image_shape: Shape,
) -> tuple[int, int]:
    """Parameters and FLOPs (see ``count_flops``) of ``TransNasNetwork`` with a stem."""
    stride = size.stem_stride or 1
    height, width = image_shape[1:]
    parameters = flops = 0

    def add(convolutions: Iterable[_Conv], stride: int) -> None:
        nonlocal parameters, flops, height, width
        height, width = -(-height // stride), -(-width // stride)
        for each in convolutions:
            parameters += each.weights + 2 * each.shape.out_channels
            flops += each.weights * height * width

    half = stem_width(size.channels)
    add([_Conv(ModuleShape(IMAGE_CHANNELS, half, stride), 3)], stride)
    add([_Conv(ModuleShape(half, size.channels, stride), 3)], stride)
    shapes = module_shapes(code, size.channels)
    for shape in shapes:
        for _ in range(size.units):
            add(_block(shape) if operations is None else _cell(operations, shape), shape.stride)
            shape = following(shape)
    classifier = (shapes[-1].out_channels + 1) * num_classes
    return parameters + classifier, flops + classifier


def _block(shape: ModuleShape) -> Iterator[_Conv]:
    yield _Conv(shape, 3)
    yield _Conv(following(shape), 3)
    if not shape.kept:
        yield _Conv(shape, 1)


def _cell(operations: Sequence[str], shape: ModuleShape) -> Iterator[_Conv]:
    for name, (source, _) in zip(operations, EDGES, strict=True):
        of_edge = following(shape) if source else shape
        if name == "nor_conv_3x3":
            yield _Conv(of_edge, 3)
        elif name == "nor_conv_1x1" or (name == "skip_connect" and not of_edge.kept):
            yield _Conv(of_edge, 1)
