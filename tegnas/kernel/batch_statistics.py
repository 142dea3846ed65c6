"""BatchNorm on untrained networks: always the statistics of the batch.

``coupled`` differentiates through the statistics, as the paper's code does; ``frozen`` holds them
constant in the derivative, so that the Jacobian rows of the images decouple. Running statistics
are neither read nor written: on an untrained network they are wrong by orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tegnas.errors import InputError

BATCH_NORM_MODES = ("frozen", "coupled")


def check_batch_norm(mode: str) -> None:
    """Raise ``InputError`` unless ``mode`` is one of ``BATCH_NORM_MODES``."""
    if mode not in BATCH_NORM_MODES:
        raise InputError(
            f"unknown batch_norm {mode!r}; choose one of {', '.join(BATCH_NORM_MODES)}"
        )


@contextmanager
def batch_statistics(network: nn.Module, mode: str) -> Iterator[None]:
    """Within the block, ``network`` normalises by statistics of the batch and dropout is off.

    Raises ``InputError`` for an unknown mode, and for TorchScript, whose norm layers can't be told
    to use other statistics.
    """
    check_batch_norm(mode)
    training = {module: module.training for module in network.modules()}
    if any(isinstance(module, torch.jit.ScriptModule) for module in training):
        raise InputError(
            f"{type(network).__name__} holds TorchScript, which always normalises by its running "
            "statistics; pass the Python module that it was made of"
        )
    try:
        for module in training:
            module.training = False
        with _BatchStatistics(mode):
            yield
    finally:
        for module, was_training in training.items():
            module.training = was_training


class _BatchStatistics(TorchFunctionMode):
    """Takes the place of the two functions that would read running statistics.

    On the functions, not the layers, so that it holds for sub-classes whose forward does more than
    normalise, and for networks that call the functions themselves.
    """

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._replacements: dict[Callable, Callable] = {
            F.batch_norm: _frozen_batch_norm if mode == "frozen" else _coupled_batch_norm,
            F.instance_norm: _instance_norm,
        }

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        return self._replacements.get(func, func)(*args, **(kwargs or {}))


def normalise(x: Tensor, eps: float) -> Tensor:
    """BatchNorm without scale and shift, by the statistics of the batch held constant."""
    return _frozen_batch_norm(x, None, None, eps=eps)


# The signatures below are those of the functions that they replace.


def _frozen_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    dims = [0, *range(2, input.dim())]
    variance, mean = torch.var_mean(input.detach(), dims, correction=0)
    return F.batch_norm(input, mean, variance, weight, bias, training=False, eps=eps)


def _coupled_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    return F.batch_norm(input, None, None, weight, bias, training=True, eps=eps)


def _instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    return F.instance_norm(input, weight=weight, bias=bias, use_input_stats=True, eps=eps)
