"""Networks of NAS-Bench-Macro (Su et al., CVPR 2021, arXiv 2103.11922).

The macro layout is that of the benchmark's released code: a 3×3 stem of 32 channels, stages of 2, 3
and 3 layers of 64, 128 and 256 channels whose first layer halves the resolution, a 1×1 head of 1280
channels. Activations are ReLU, not ReLU6.
"""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.networks.inverted_residual import Block, InvertedResidual, Projection
from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.mobile import MobilePlan

STAGES = (2, 3, 3)
LAYERS = sum(STAGES)

# Of the stem, the three stages and the head.
WIDTHS = (32, 64, 128, 256, 1280)

# What a layer may be: identity, or an inverted residual block of (kernel size, expansion).
IDENTITY = 0
BLOCKS = {1: (3, 3), 2: (5, 6)}


def macro_plan(
    layers: Sequence[int], widths: Sequence[int] = WIDTHS, region_side: int | None = None
) -> MobilePlan:
    """The network of eight layers.

    An identity where the width changes is a projection, elsewhere nothing. Blocks are counted
    without what is nothing, so that isomorphic architectures are one network with one set of names.

    Args:
        layers: ``IDENTITY`` or a key of ``BLOCKS``.
        widths: of stem, stages and head.
        region_side: makes the network that regions are counted on, which has neither stem nor
            strides.
    """
    stem, *stages, head = widths
    for_images = region_side is None
    channels, left = stem, iter(layers)
    blocks: list[tuple[Block, ...]] = []
    for width, count in zip(stages, STAGES, strict=True):
        stage: list[Block] = []
        for place in range(count):
            stride = 2 if for_images and place == 0 else 1
            taken = next(left)
            if taken != IDENTITY:
                kernel_size, expansion = BLOCKS[taken]
                stage.append(
                    InvertedResidual(channels, width, kernel_size, expansion, stride, place > 0)
                )
            elif place == 0:
                stage.append(Projection(channels, width, stride))
            channels = width
        blocks.append(tuple(stage))
    return MobilePlan(
        tuple(blocks),
        in_channels=IMAGE_CHANNELS if for_images else stem,
        stem=stem if for_images else None,
        head=head,
        region_side=region_side,
    )
