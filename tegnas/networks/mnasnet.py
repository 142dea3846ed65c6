"""Networks of the MnasNet space of Accel-NASBench (Ahmad et al., DAC 2024, arXiv 2404.08005).

The macro layout is that of MnasNet and EfficientNet-B0 (arXiv 1807.11626, 1905.11946) in the
benchmark's released code: a 3×3 stem of 32 channels and stride 2, seven blocks of 16, 24, 40, 80,
112, 192 and 320 channels, a 1×1 head of 1280 channels, dropout of 0.2. The benchmark was trained
with ReLU, and with a hard sigmoid in squeeze-and-excitation, which stands behind the filter and has
a quarter of the channels that its layer takes. A layer of expansion 1 has no expansion. The
stochastic depth of its training isn't part of the network here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tegnas.networks.inverted_residual import InvertedResidual
from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.mobile import MobilePlan

BLOCKS = 7

# Of the stem, the seven blocks and the head.
WIDTHS = (32, 16, 24, 40, 80, 112, 192, 320, 1280)

# Of the stem and the first layer of each block.
STRIDES = (2, 1, 2, 2, 2, 1, 2, 1)

DROPOUT = 0.2
_SQUEEZE = 4


@dataclass(frozen=True)
class MnasNetBlock:
    """What is chosen for one of the seven blocks."""

    expansion: int
    kernel_size: int
    layers: int
    squeeze_excitation: bool


def last_halvings(count: int) -> tuple[int, ...]:
    """``STRIDES`` with the last ``count`` of its five halvings alone."""
    left, strides = count, []
    for stride in reversed(STRIDES):
        halves = stride > 1 and left > 0
        left -= halves
        strides.append(2 if halves else 1)
    return tuple(reversed(strides))


def mnasnet_plan(
    blocks: Sequence[MnasNetBlock],
    widths: Sequence[int] = WIDTHS,
    strides: Sequence[int] = STRIDES,
    dropout: float = 0.0,
    region_side: int | None = None,
) -> MobilePlan:
    """The network of seven blocks.

    Args:
        widths: of stem, blocks and head.
        strides: of stem and blocks.
        dropout: in front of the classifier.
        region_side: makes the network that regions are counted on, which has neither stem nor
            strides.
    """
    stem, *outputs, head = widths
    stem_stride, *block_strides = strides
    for_images = region_side is None
    channels, stages = stem, []
    for block, width, stride in zip(blocks, outputs, block_strides, strict=True):
        stage = []
        for place in range(block.layers):
            stage.append(
                InvertedResidual(
                    channels,
                    width,
                    block.kernel_size,
                    block.expansion,
                    stride if for_images and place == 0 else 1,
                    residual=place > 0,
                    squeezed=max(1, channels // _SQUEEZE) if block.squeeze_excitation else 0,
                )
            )
            channels = width
        stages.append(tuple(stage))
    return MobilePlan(
        tuple(stages),
        in_channels=IMAGE_CHANNELS if for_images else stem,
        stem=stem if for_images else None,
        stem_stride=stem_stride,
        head=head,
        dropout=dropout,
        region_side=region_side,
    )
