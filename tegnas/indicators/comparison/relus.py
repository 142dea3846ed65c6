"""Which units of a network are active."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tegnas.errors import InputError

# As the operators are called, whether as a layer, a function or in place.
_RELUS = {"relu", "leaky_relu", "_prelu_kernel"}


class _Active(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.units: list[Tensor] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        name = func._schema.name.removeprefix("aten::")  # type: ignore[attr-defined]
        name = name.removesuffix("_")
        relu6 = name == "hardtanh" and len(args) > 1 and args[1] == 0
        if name in _RELUS or relu6:
            self.units.append(args[0] > 0)  # before it runs: it may work in place
        return func(*args, **(kwargs or {}))


def active_units(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Where the input of every ReLU is positive, bool tensors of its shape in order of the calls.

    ReLU6, LeakyReLU and PReLU are ReLUs as well. By the network as it is: norms and dropout are the
    caller's to settle.

    Raises:
        InputError: the network calls none.
    """
    with torch.no_grad(), _Active() as recorder:
        network(images.clone())  # it may work in place on what it is given
    if not recorder.units:
        raise InputError(f"{type(network).__name__} has no ReLU, by whose units this score counts")
    return recorder.units
