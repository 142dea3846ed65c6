"""Activation patterns and their number, bit by bit and pair by pair.

Source: TEG-NAS (arXiv 2108.11939), section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def signs(activations: Sequence[Tensor]) -> Tensor:
    """Which features are positive: tensors (M, ...) to bool (M, features)."""
    return torch.cat([(tensor > 0).unsqueeze(1).flatten(1) for tensor in activations], 1)


def pack_signs(activations: Sequence[Tensor]) -> Tensor:
    """The signs as bits of int64 words: feature f is bit f % 64 of word f // 64."""
    bits = signs(activations)
    inputs, features = bits.shape
    words = (features + 63) // 64
    padded = torch.zeros(inputs, words * 64, dtype=torch.int64)
    padded[:, :features] = bits
    return (padded.view(inputs, words, 64) << torch.arange(64)).sum(2)


def count_regions(patterns: Tensor) -> Tensor:
    """Distinct rows of (M, W), or of each (M, W) of (B, M, W)."""
    if patterns.dim() == 3:
        return torch.tensor([int(count_regions(each)) for each in patterns], dtype=torch.int64)
    return torch.tensor(len({tuple(row) for row in patterns.tolist()}), dtype=torch.int64)


def pattern_distances(patterns: Tensor) -> Tensor:
    """In how many bits rows of (M, W) differ, (M, M), or those of each (M, W) of (B, M, W)."""
    bits = (patterns[..., None] >> torch.arange(64)) & 1
    rows = bits.flatten(-2)
    return (rows[..., :, None, :] != rows[..., None, :, :]).sum(-1)


def count_regions_pairwise(activations: Sequence[Tensor]) -> int:
    """The paper's way: products of the 0/1 patterns tell which pairs of inputs agree everywhere.

    Each input counts as one over the number of inputs that share its pattern.
    """
    pattern = signs(activations).float()
    differences = pattern @ (1 - pattern).T
    differences = differences + differences.T
    return int((1.0 / (differences == 0).double().sum(1)).sum().round())
