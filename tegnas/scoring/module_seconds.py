"""How long the kernels of a module will take, from a forward pass of two images."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tegnas.kernel.batch_statistics import batch_statistics

# A forward and a backward pass, in forward passes.
_FORWARD_AND_BACKWARD = 3


def kernel_seconds(network: nn.Module, batches: Sequence[Tensor], batch_norm: str) -> float:
    """Seconds for the kernels of some batches, roughly.

    Frozen, a forward and a backward pass of each; coupled, a backward pass for every image.
    """
    images = batches[0][:2]
    started = time.perf_counter()
    with torch.no_grad(), batch_statistics(network, batch_norm):
        network(images.clone())
    each = (time.perf_counter() - started) / len(images)
    counts = [len(batch) for batch in batches]
    passes = sum(count * count if batch_norm == "coupled" else count for count in counts)
    return _FORWARD_AND_BACKWARD * each * passes
