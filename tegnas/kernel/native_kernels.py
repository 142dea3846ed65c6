"""Kernels of one ``nn.Module`` by the native engine."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tegnas.engine.lowering import CannotLower, lower_module
from tegnas.kernel.unchanged import unchanged
from tegnas.ops import EngineJobs, engine_ntk

# In coupled mode the engine holds the Jacobian: this many numbers of it at most.
_LARGEST_JACOBIAN = 2**28


def native_kernels(
    network: nn.Module,
    x: Tensor,
    y: Tensor | None,
    *,
    is_searched: Callable[[str], bool],
    batch_norm: str,
    outputs: str = "sum",
) -> tuple[Tensor, Tensor, Tensor]:
    """Kernel of all weights (N, N), of the searched ones (N, N), of those between y and x (M, N).

    Raises ``CannotLower`` where the network or the images are nothing for the engine.
    """
    if x.dim() != 4:
        raise CannotLower("the engine takes images (N, C, H, W)")
    if y is not None and y.shape[1:] != x.shape[1:]:
        raise CannotLower("the two batches have images of different shapes")
    count = sum(len(each) for each in (x, y) if each is not None)
    if count * sum(each.numel() for each in network.parameters()) > _LARGEST_JACOBIAN:
        raise CannotLower("its Jacobian is too large to be held")
    with unchanged(network):  # tracing runs the network's own code
        lowered = lower_module(network, (x.shape[1], x.shape[2], x.shape[3]), is_searched)
    if not lowered.logits:
        raise CannotLower("it gives something other than logits (N, K)")
    code = lowered.program.encode(len(lowered.parameters))
    first = torch.tensor([0])
    jobs = EngineJobs([code], first, lowered.parameters, first)
    k_all, k_searched, k_cross, _ = engine_ntk(jobs, x, y, batch_norm=batch_norm, outputs=outputs)
    return k_all[0], k_searched[0], k_cross[0]
