"""What the layers of a network compute, and with which weights, as they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.utils import parametrize

from tegnas.errors import InputError

# Layers whose weights and channels saliencies are sums over.
WEIGHTED = nn.Conv1d | nn.Conv2d | nn.Linear


@contextmanager
def outputs_seen(network: nn.Module, see: Callable[[nn.Module, Tensor], None]) -> Iterator[None]:
    """Within the block, ``see`` is called with every module and the tensor that it gives.

    The network goes on with a copy, so that layers that work in place don't change what was seen;
    gradients arrive at the tensor that was seen.
    """

    def hook(module: nn.Module, args: tuple, output: object) -> Tensor | None:
        if not isinstance(output, Tensor):
            return None
        see(module, output)
        return output.clone()

    handles = [
        module.register_forward_hook(hook)
        for name, module in network.named_modules()
        if "parametrizations" not in name.split(".")  # these give weights
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def weights_used(network: nn.Module) -> Iterator[list[Tensor]]:
    """Within the block, the weights that convolutions and linear layers are called with.

    Each once, in order of the first call. Not the parameters: a weight may be computed from others,
    as under a weight norm.
    """
    weights: list[Tensor] = []

    def hook(module: nn.Module, args: tuple, output: object) -> None:
        weight = module.weight
        if isinstance(weight, Tensor) and all(weight is not each for each in weights):
            weights.append(weight)

    handles = [
        module.register_forward_hook(hook)
        for module in network.modules()
        if isinstance(module, WEIGHTED)
    ]
    try:
        with parametrize.cached():  # what is asked for after the call is what the call computed
            yield weights
    finally:
        for handle in handles:
            handle.remove()


def check_weights(network: nn.Module, weights: list[Tensor]) -> None:
    """Raise ``InputError`` if no weight was used."""
    if not weights:
        raise InputError(
            f"{type(network).__name__} runs no convolution and no linear layer, by whose weights "
            "this score is defined"
        )
