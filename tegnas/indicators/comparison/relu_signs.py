"""Activation patterns of ReLUs, which two of the papers' scores are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tegnas.errors import InputError

_RELU_OPS = (torch.ops.aten.relu.default, torch.ops.aten.relu_.default)


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


def relu_signs(network: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Where the output of every ReLU is positive, bool tensors of its shape in order of the calls.

    By the network as it is: norms and dropout are the caller's to settle.

    Raises:
        InputError: the network calls no ReLU.
    """
    with torch.no_grad(), _ReLUSigns() as recorder:
        network(inputs.clone())  # it may work in place on what it is given
    if not recorder.signs:
        raise InputError(
            f"{type(network).__name__} has no ReLU, whose activation patterns are looked at"
        )
    return recorder.signs
