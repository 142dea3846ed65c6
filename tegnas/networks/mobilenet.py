"""Networks of inverted residual blocks (MobileNetV2: Sandler et al., CVPR 2018, 1801.04381)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tegnas.networks.inverted_residual import InvertedResidual
from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.mobile import MobilePlan


@dataclass(frozen=True)
class Stage:
    """Blocks of one width: how many, their kernel size and expansion."""

    width: int
    depth: int
    kernel_size: int
    expansion: int


def mobilenet_plan(
    stages: Sequence[Stage], strides: Sequence[int], stem: int, head: int, *, thin: bool = False
) -> MobilePlan:
    """Stem, stages, a 1×1 head, classifier.

    ReLU where MobileNetV2 has ReLU6, so that activation patterns are those of every other space.

    Args:
        stages: of the network.
        strides: of the first block of each.
        stem: its channels.
        head: channels of the head.
        thin: makes the network that regions are counted on, which has neither stem nor strides. Its
            inputs are single numbers, see ``SizeThinNetwork``.
    """
    channels = 1 if thin else stem
    plan = []
    for stage, first_stride in zip(stages, strides, strict=True):
        blocks = []
        for place in range(stage.depth):
            stride = first_stride if place == 0 and not thin else 1
            residual = stride == 1 and channels == stage.width
            blocks.append(
                InvertedResidual(
                    channels, stage.width, stage.kernel_size, stage.expansion, stride, residual
                )
            )
            channels = stage.width
        plan.append(tuple(blocks))
    return MobilePlan(
        tuple(plan),
        in_channels=1 if thin else IMAGE_CHANNELS,
        stem=None if thin else stem,
        head=head,
        region_side=1 if thin else None,
    )
