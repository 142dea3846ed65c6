"""What layers of a network compute, kept with its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tegnas.errors import InputError


def is_layer(module: nn.Module) -> bool:
    """Whether a module has no parts of its own."""
    return next(module.children(), None) is None


@contextmanager
def recorded_outputs(
    network: nn.Module, wanted: Callable[[nn.Module], bool]
) -> Iterator[list[Tensor]]:
    """Within the block, the outputs of some of the modules, in the order of the calls."""
    outputs: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda module, args, output: outputs.append(output))
        for module in network.modules()
        if wanted(module)
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


class _ReLUPatterns(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.patterns: list[Tensor] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., Tensor],
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> Tensor:
        output = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten.relu.default, torch.ops.aten.relu_.default):
            self.patterns.append((output > 0).flatten(1))
        return output


def relu_patterns(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Which units of every ReLU are active, bool (N, units) each, by the network as it is.

    Raises ``InputError`` if the network calls none.
    """
    with torch.no_grad(), _ReLUPatterns() as recorder:
        network(images.clone())
    if not recorder.patterns:
        raise InputError(f"{type(network).__name__} has no ReLU, by which this score is defined")
    return recorder.patterns
