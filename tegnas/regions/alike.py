"""Linear regions of networks that differ in nothing but their weights, by one pass for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.overrides import TorchFunctionMode

from tegnas import ops
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.ops import pack_signs
from tegnas.regions.activations import (
    ACTIVATIONS,
    ARITHMETIC,
    BENDS,
    Bits,
    Counted,
    Recorder,
    check_countable,
    counted_calls,
)
from tegnas.regions.count import Regions, units_of


def alike_regions(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    batches: Sequence[Tensor],
    *,
    smooth: bool = False,
) -> list[Regions] | None:
    """``measure_regions`` of every network.

    Args:
        network: what the networks have in common; one that runs alike (see ``tegnas.kernel.alike``)
            and has no BatchNorm.
        weights: all parameters by name, (networks, *shape).
        batches: inputs (networks, M, …), each network's own.
        smooth: as in ``measure_regions``.

    Returns:
        One for each network; None where it calls activations that only the pass of a single network
        can see.

    Raises:
        NoRegionsError: the network has no such activation.
    """
    counted = Counted(smooth=smooth)
    count = len(next(iter(weights.values())))
    with torch.no_grad(), batch_statistics(network, "frozen"):
        # Of two inputs, by the operators themselves, whatever the functions around them are.
        two = batches[0][0, :2]
        with _Activations(counted) as seen, Recorder(len(two), counted) as recorder:
            network(two.clone())
        calls = recorder.calls
        check_countable(network, calls)
        if seen.names != [each.name for each in calls]:
            return None
        chosen = counted_calls(calls)
        words = [_words(network, weights, each, counted, chosen) for each in batches]
    rows = torch.cat(words, 1)
    return [
        Regions(int(ops.count_regions(rows[index])), rows.shape[1], *units_of(calls))
        for index in range(count)
    ]


def _words(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    inputs: Tensor,
    counted: Counted,
    chosen: Sequence[int],
) -> Tensor:
    """Patterns int64 (networks, M, W)."""
    networks, samples = inputs.shape[:2]

    def run(own: Mapping[str, Tensor], images: Tensor) -> list[Bits]:
        with _Activations(counted) as seen:
            functional_call(network, dict(own), (images,))
        return [seen.bits[index] for index in chosen]

    words = [
        pack_signs([each.reshape(networks * samples, -1) for each in bits])
        for bits in vmap(run)(weights, inputs)
    ]
    return torch.cat(words, 1).reshape(networks, samples, -1)


class _Activations(TorchFunctionMode):
    """The bits of activations as functions are called, which are inside of ``torch.vmap``."""

    def __init__(self, counted: Counted) -> None:
        super().__init__()
        self.names: list[str] = []
        self.bits: list[Bits] = []
        self._known = {**ACTIVATIONS, **ARITHMETIC, **(BENDS if counted.smooth else {})}

    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: Any = None
    ) -> object:
        name = getattr(func, "__name__", "")
        options = kwargs or {}
        if name in self._known and args:
            self.names.append(name)
            self.bits.append(self._known[name](*args, **options))
        return func(*args, **options)
