"""ReLU activation patterns as bits: how many of them differ (linear regions), and by how much."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tegnas.errors import InputError
from tegnas.ops._library import call, register_fake


def pack_signs(activations: Sequence[Tensor]) -> Tensor:
    """Activation patterns of M inputs as bits.

    Args:
        activations: tensors (M, ...), float32, float64 or bool, any strides. The features of a
            tensor count in the order of its dimensions, the tensors one after the other.

    Returns:
        int64 tensor (M, ⌈features / 64⌉): feature f is bit f % 64 of word f // 64, set where the
        value is positive; unused bits are 0.

    Raises:
        InputError: no tensors.
        ValueError: tensors that differ in M.
        TypeError: another dtype.
    """
    if not activations:
        raise InputError("pack_signs needs at least one tensor")
    return call("pack_signs", list(activations))


def count_regions(patterns: Tensor) -> Tensor:
    """How many rows differ: the linear regions that the inputs fall into (Mellor et al. 2021).

    Exact: rows are hashed, and rows of equal hash are compared in full.

    Args:
        patterns: int64 tensor (M, W) from ``pack_signs``, or (B, M, W) for B networks.

    Returns:
        int64 scalar, or (B,).

    Raises:
        ValueError: another number of dimensions.
        TypeError: another dtype.
    """
    return call("count_regions", patterns)


def pattern_distances(patterns: Tensor) -> Tensor:
    """In how many bits any two rows differ (Mellor et al. 2021, eq. 2, has those that agree).

    Args:
        patterns: int64 tensor (M, W) from ``pack_signs``, or (B, M, W) for B networks.

    Returns:
        int64 (M, M) or (B, M, M), symmetric.

    Raises:
        ValueError: another number of dimensions.
        TypeError: another dtype.
    """
    return call("pattern_distances", patterns)


class RegionCounter:
    """Counts regions over inputs that come in batches; activations are held as bits only."""

    def __init__(self) -> None:
        self._patterns: list[Tensor] = []

    def add(self, activations: Sequence[Tensor]) -> None:
        """Takes the activations (M, ...) of M more inputs; M may differ between calls.

        Raises ``InputError`` if the layers have another number of features than before.
        """
        patterns = pack_signs(activations)
        if self._patterns and patterns.shape[1] != self._patterns[0].shape[1]:
            raise InputError("the activations of every batch must come from the same layers")
        self._patterns.append(patterns)

    def count(self) -> int:
        """Distinct patterns among all inputs so far."""
        if not self._patterns:
            return 0
        return int(count_regions(torch.cat(self._patterns)))


def _fake_pack_signs(activations):
    features = sum(math.prod(tensor.shape[1:]) for tensor in activations)
    shape = (activations[0].shape[0], (features + 63) // 64)
    return activations[0].new_empty(shape, dtype=torch.int64)


def _fake_count_regions(patterns):
    return patterns.new_empty(patterns.shape[:-2])


def _fake_pattern_distances(patterns):
    return patterns.new_empty((*patterns.shape[:-1], patterns.shape[-2]))


register_fake("pack_signs", _fake_pack_signs)
register_fake("count_regions", _fake_count_regions)
register_fake("pattern_distances", _fake_pattern_distances)
