"""The inputs that linear regions are counted on."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def region_inputs(
    shape: tuple[int, ...], *, samples: int, batch_size: int, seed: int
) -> list[Tensor]:
    """Standard normal inputs of the given shape in batches, reproducible from the seed."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(samples, *shape, generator=generator)
    return list(inputs.split(batch_size))


def region_input_shape(network: nn.Module) -> tuple[int, int, int]:
    """The shape of one input that a thin network is counted on: its own, else (1, 3, 3)."""
    channels, height, width = getattr(network, "region_input_shape", (1, 3, 3))
    return channels, height, width
