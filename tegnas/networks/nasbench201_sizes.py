"""Sizes of NAS-Bench-201 networks: every edge adds its share, whatever the others are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.nasbench201 import NasBench201Network

_Size = tuple[int, int]
_WEIGHTED = ("nor_conv_1x1", "nor_conv_3x3")


def network_size(
    operations: Sequence[str],
    channels: int,
    cells: int,
    num_classes: int,
    image_shape: tuple[int, int, int],
) -> _Size:
    """Parameters and FLOPs of a network; three networks tell the sizes of all."""
    none, shares = _shares(channels, cells, num_classes, image_shape)
    counts = [operations.count(name) for name in _WEIGHTED]
    return (
        none[0] + sum(n * share[0] for n, share in zip(counts, shares, strict=True)),
        none[1] + sum(n * share[1] for n, share in zip(counts, shares, strict=True)),
    )


@lru_cache(maxsize=32)
def _shares(
    channels: int, cells: int, num_classes: int, image_shape: tuple[int, int, int]
) -> tuple[_Size, tuple[_Size, ...]]:
    def size(operation: str) -> _Size:
        with torch.device("meta"):
            network = NasBench201Network((operation, *("none",) * 5), channels, cells, num_classes)
        return count_parameters(network), count_flops(network, image_shape)

    none = size("none")
    sizes = [size(name) for name in _WEIGHTED]
    return none, tuple((p - none[0], f - none[1]) for p, f in sizes)
