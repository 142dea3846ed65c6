"""What the two spaces of TransNAS-Bench-101 share: sizes of their networks, and their recipe."""

from __future__ import annotations

from tegnas.networks.transnas import TransNasSize
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, check_kind
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import PROXY_SIZE, THIN_SIZE, SmallSize

PUBLISHED = TransNasSize()

# As the benchmark trained for the classification of objects (its released code,
# configs/train_from_scratch/class_object), less a warm-up of the learning rate and the jitter of
# colours, which tegnas.train doesn't have.
RECIPE = Recipe(epochs=25, batch_size=128, crop_padding=0)


def network_sizes(
    deep: SmallSize, deep_thin: SmallSize, stem_stride: int
) -> dict[str, TransNasSize]:
    """The size of every kind of network.

    Args:
        deep, deep_thin: of the deep networks.
        stem_stride: of each of the two convolutions of a small network's stem.
    """
    return {
        "full": PUBLISHED,
        "proxy": _small(PROXY_SIZE, stem_stride),
        "thin": _small(THIN_SIZE, None, region_side=3),
        "deep": _small(deep, stem_stride),
        "deep-thin": _small(deep_thin, None, region_side=2),
    }


def size_of_kind(sizes: dict[str, TransNasSize], kind: str) -> TransNasSize:
    """The size of one kind; ``InputError`` for an unknown one."""
    check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
    return sizes[kind]


def full_size(channels: int | None, cells: int | None) -> TransNasSize:
    """The published size, or another number of channels of the stem and of units per module."""
    return TransNasSize(channels or PUBLISHED.channels, cells or PUBLISHED.units)


def _small(size: SmallSize, stem_stride: int | None, region_side: int = 2) -> TransNasSize:
    channels = size.width(PUBLISHED.channels, PUBLISHED.channels)
    return TransNasSize(channels, size.cells(PUBLISHED.units), stem_stride, region_side)
