"""Sizes of networks of inverted residual blocks, from their plans alone."""

from __future__ import annotations

from tegnas.networks.inverted_residual import Block, InvertedResidual
from tegnas.networks.mobile import STEM_KERNEL_SIZE, MobilePlan

Image = tuple[int, int, int]


class _Count:
    """Adds up layers and follows the sides of the image; its operations are ``count_flops``."""

    def __init__(self, height: int, width: int) -> None:
        self.sides = (height, width)
        self.parameters = 0
        self.flops = 0

    def conv_bn(
        self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1
    ) -> None:
        """A convolution with its BatchNorm; of one input channel where it filters each by itself.

        Its padding is half of its kernel.
        """
        weights = in_channels * out_channels * kernel_size**2
        height, width = ((side - 1) // stride + 1 for side in self.sides)
        self.sides = (height, width)
        self.parameters += weights + 2 * out_channels
        self.flops += weights * height * width

    def block(self, block: Block) -> None:
        if not isinstance(block, InvertedResidual):
            self.conv_bn(block.in_channels, block.out_channels, stride=block.stride)
            return
        if block.expansion > 1:
            self.conv_bn(block.in_channels, block.hidden)
        self.conv_bn(1, block.hidden, block.kernel_size, block.stride)
        if block.squeezed:
            weights = 2 * block.hidden * block.squeezed
            self.parameters += weights + block.squeezed + block.hidden
            self.flops += weights
        self.conv_bn(block.hidden, block.out_channels)


def mobile_size(plan: MobilePlan, num_classes: int, image_shape: Image) -> tuple[int, int]:
    """Parameters of ``MobileNetwork`` of a plan, and its operations for one image (C, H, W)."""
    count = _Count(*image_shape[1:])
    if plan.stem is not None:
        count.conv_bn(plan.in_channels, plan.stem, STEM_KERNEL_SIZE, plan.stem_stride)
    for stage in plan.stages:
        for block in stage:
            count.block(block)
    count.conv_bn(plan.features, plan.head)
    classifier = plan.head * num_classes + num_classes
    return count.parameters + classifier, count.flops + classifier
