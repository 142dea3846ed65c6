"""Expressivity: the number of linear regions that a set of inputs falls into."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.indicators.batch_statistics import batch_statistics
from tegnas.ops import RegionCounter

RELU_LAYERS = (nn.ReLU, nn.ReLU6)


def count_regions(network: nn.Module, batches: Iterable[Tensor]) -> int:
    """Distinct ReLU activation patterns over all inputs of all batches (TEG-NAS, section 3.2).

    A pattern is the sign (output > 0) of every unit of every ReLU layer whose output is 4-D.
    BatchNorm uses the statistics of each batch. The count is exact.

    Args:
        network: contains ``nn.ReLU`` layers.
        batches: tensors (M, C, H, W).

    Raises:
        InputError: the network has no ReLU layer with a 4-D output.
    """
    counter = RegionCounter()
    activations: list[Tensor] = []

    def record(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            # An in-place layer may write over the output after this; its signs are wanted now.
            activations.append(output > 0)

    handles = [
        module.register_forward_hook(record)
        for module in network.modules()
        if isinstance(module, RELU_LAYERS)
    ]
    try:
        with torch.no_grad(), batch_statistics(network, "frozen"):
            for batch in batches:
                activations.clear()
                network(batch)
                if not activations:
                    raise InputError(
                        f"{type(network).__name__} has no nn.ReLU layer with a 4-D output: linear "
                        "regions are counted on these"
                    )
                counter.add(activations)
    finally:
        for handle in handles:
            handle.remove()
    return counter.count()


def region_inputs(
    shape: tuple[int, ...], *, samples: int, batch_size: int, seed: int
) -> list[Tensor]:
    """Standard normal inputs of the given shape in batches, reproducible from the seed."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(samples, *shape, generator=generator)
    return list(inputs.split(batch_size))
