"""BatchNorm on untrained networks: always the statistics of the batch.

``coupled`` differentiates through the statistics, as the paper's code does; ``frozen`` holds them
constant in the derivative, so that the Jacobian rows of the images decouple. Running statistics
are neither read nor written: on an untrained network they are wrong by orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

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
    """Within the block, norm layers of ``network`` use batch statistics and dropout is off."""
    check_batch_norm(mode)
    training = {module: module.training for module in network.modules()}
    patched = []
    try:
        for module in training:
            module.training = False
            if isinstance(module, _BatchNorm):
                forward = _frozen_forward if mode == "frozen" else _coupled_forward
                module.forward = _bind(forward, module)
                patched.append(module)
            elif isinstance(module, _InstanceNorm):
                module.forward = _bind(_instance_forward, module)
                patched.append(module)
        yield
    finally:
        for module in patched:
            del module.forward
        for module, was_training in training.items():
            module.training = was_training


def _bind(forward: Callable[..., Tensor], module: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda x: forward(module, x)


def _coupled_forward(module: _BatchNorm, x: Tensor) -> Tensor:
    return F.batch_norm(x, None, None, module.weight, module.bias, training=True, eps=module.eps)


def _frozen_forward(module: _BatchNorm, x: Tensor) -> Tensor:
    dims = [0, *range(2, x.dim())]
    shape = [1, -1, *[1] * (x.dim() - 2)]
    statistics = x.detach()
    mean = statistics.mean(dims, keepdim=True)
    deviation = (statistics.var(dims, keepdim=True, unbiased=False) + module.eps).sqrt()
    normalised = (x - mean) / deviation
    if module.weight is not None:
        normalised = normalised * module.weight.view(shape)
    if module.bias is not None:
        normalised = normalised + module.bias.view(shape)
    return normalised


def _instance_forward(module: _InstanceNorm, x: Tensor) -> Tensor:
    return F.instance_norm(
        x, weight=module.weight, bias=module.bias, use_input_stats=True, eps=module.eps
    )
