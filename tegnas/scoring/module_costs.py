"""What the kernels of a module will take, from a forward pass of two images."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.layer_terms import is_native

# A forward and a backward pass, in forward passes.
_FORWARD_AND_BACKWARD = 3


@dataclass(frozen=True)
class KernelCosts:
    """Of the kernels of one module.

    Attributes:
        seconds: roughly.
        bytes: held at the same time, at least.
    """

    seconds: float
    bytes: int


def kernel_costs(network: nn.Module, batches: Sequence[Tensor], batch_norm: str) -> KernelCosts:
    """The costs of the kernels of some batches.

    Frozen, a forward and a backward pass of each; what every layer reads, and the gradient at what
    it gives, is held for all images until the Gram has seen them. Coupled, a backward pass for
    every image; what is held then depends on how it is computed.
    """
    images = batches[0][:2]
    with torch.no_grad(), batch_statistics(network, batch_norm), _held(network) as held:
        started = time.perf_counter()
        network(images.clone())
        each = (time.perf_counter() - started) / len(images)
    coupled = batch_norm == "coupled"
    counts = [len(batch) for batch in batches]
    passes = sum(count * count if coupled else count for count in counts)
    bytes_each = 0 if coupled else sum(held.values()) // len(images)
    return KernelCosts(_FORWARD_AND_BACKWARD * each * passes, bytes_each * sum(counts))


@contextmanager
def _held(network: nn.Module) -> Iterator[dict[object, int]]:
    """Bytes of what layers read, each tensor once, and give."""
    found: dict[object, int] = {}
    kept: list[Tensor] = []  # so that no address is used twice

    def note(module: nn.Module, args: tuple[object, ...], output: object) -> None:
        if args and isinstance(args[0], Tensor) and isinstance(output, Tensor):
            kept.append(args[0])
            found[args[0].data_ptr()] = args[0].numel() * args[0].element_size()
            found[len(kept), "gradient"] = output.numel() * output.element_size()

    layers = [module for module in network.modules() if is_native(module)]
    handles = [module.register_forward_hook(note) for module in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
