"""Expressivity: the number of linear regions that a set of inputs falls into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tegnas.errors import InputError
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.ops import RegionCounter

_RELU_OPS = (torch.ops.aten.relu.default, torch.ops.aten.relu_.default)


class NoReLUError(InputError):
    """The network calls no ReLU, so that linear regions aren't defined for it."""


class _ReLUSigns(TorchDispatchMode):
    """Collects the signs of every ReLU output, called as a layer, a function or in place."""

    def __init__(self) -> None:
        super().__init__()
        self.signs: list[Tensor] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., Tensor],
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> Tensor:
        output = func(*args, **(kwargs or {}))
        if func in _RELU_OPS:
            self.signs.append(output > 0)
        return output


def count_regions(network: nn.Module, batches: Iterable[Tensor]) -> int:
    """Distinct ReLU activation patterns over all inputs of all batches (TEG-NAS, section 3.2).

    A pattern is the sign (output > 0) of every unit of every ReLU whose output is 4-D; of every
    ReLU where none is 4-D, as in an MLP. BatchNorm uses the statistics of each batch. The count is
    exact.

    Args:
        network: anything that calls ReLU.
        batches: input tensors, the input's index first.

    Raises:
        NoReLUError: the network calls no ReLU.
    """
    counter = RegionCounter()
    with batch_statistics(network, "frozen"):
        for batch in batches:
            signs = relu_signs(network, batch)
            counter.add([each for each in signs if each.dim() == 4] or signs)
    return counter.count()


def relu_signs(network: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Where the output of every ReLU is positive, bool tensors of its shape in order of the calls.

    By the network as it is: norms and dropout are the caller's to settle.

    Raises:
        NoReLUError: the network calls no ReLU.
    """
    with torch.no_grad(), _ReLUSigns() as recorder:
        network(inputs.clone())  # it may work in place on what it is given
    if not recorder.signs:
        raise NoReLUError(
            f"{type(network).__name__} has no ReLU, whose activation patterns are looked at"
        )
    return recorder.signs


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
