"""The NTK as the paper's released code computes it: one backward pass per image.

Slow, general and independent of everything native: the oracle of the tests and the baseline of
the benchmarks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tegnas.parameters import counted_parameters


class BatchStatisticsNorm(nn.Module):
    """BatchNorm written out, with the statistics of the batch, detached or not."""

    def __init__(self, original: _BatchNorm, *, detach: bool) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = original.weight, original.bias, original.eps
        self.detach = detach

    def forward(self, x: Tensor) -> Tensor:
        dims = [dim for dim in range(x.dim()) if dim != 1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        mean = x.mean(dims)
        variance = ((x - mean.view(shape)) ** 2).mean(dims)
        if self.detach:
            mean, variance = mean.detach(), variance.detach()
        y = (x - mean.view(shape)) / torch.sqrt(variance.view(shape) + self.eps)
        if self.weight is not None:
            y = y * self.weight.view(shape)
        return y if self.bias is None else y + self.bias.view(shape)


def with_batch_statistics(network: nn.Module, batch_norm: str) -> nn.Module:
    """A copy of a network whose BatchNorm layers are ``BatchStatisticsNorm``, in eval mode."""
    network = copy.deepcopy(network).eval()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm):
                setattr(parent, name, BatchStatisticsNorm(child, detach=batch_norm == "frozen"))
    return network


def jacobian(
    network: nn.Module,
    images: Tensor,
    *,
    batch_norm: str = "coupled",
    select: Callable[[str], bool] = lambda name: True,
) -> Tensor:
    """∂s_i/∂θ by one backward pass per image, (N, P); θ = the selected ones of those that count."""
    network = with_batch_statistics(network, batch_norm)
    weights = [
        network.get_parameter(name).requires_grad_(True)
        for name in counted_parameters(network)
        if select(name)
    ]
    scalars = network(images).sum(1)
    rows = []
    for scalar in scalars:
        gradients = torch.autograd.grad(scalar, weights, retain_graph=True, allow_unused=True)
        rows.append(
            torch.cat(
                [
                    (torch.zeros_like(weight) if gradient is None else gradient).reshape(-1)
                    for weight, gradient in zip(weights, gradients, strict=True)
                ]
            )
        )
    return torch.stack(rows)


def ntk(
    network: nn.Module,
    images: Tensor,
    other: Tensor | None = None,
    *,
    batch_norm: str = "coupled",
    select: Callable[[str], bool] = lambda name: True,
) -> Tensor:
    """Θ = J Jᵀ, or the cross kernel with a second batch: float64 (N, N) or (N, N')."""
    left = jacobian(network, images, batch_norm=batch_norm, select=select).double()
    right = left
    if other is not None:
        right = jacobian(network, other, batch_norm=batch_norm, select=select).double()
    return left @ right.T


class FixedStatisticsNorm(nn.Module):
    """BatchNorm with given statistics, so that images can be run one at a time."""

    def __init__(self, original: BatchStatisticsNorm, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = original.weight, original.bias
        self.mean, self.deviation = mean, torch.sqrt(variance + original.eps)

    def forward(self, x: Tensor) -> Tensor:
        shape = [1, -1] + [1] * (x.dim() - 2)
        y = (x - self.mean.view(shape)) / self.deviation.view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


def with_fixed_statistics(network: nn.Module, images: Tensor) -> nn.Module:
    """A copy of a network whose BatchNorm statistics are those of a batch of images."""
    network = with_batch_statistics(network, "frozen")
    inputs: dict[nn.Module, Tensor] = {}
    handles = [
        module.register_forward_hook(lambda layer, args, _: inputs.__setitem__(layer, args[0]))
        for module in network.modules()
        if isinstance(module, BatchStatisticsNorm)
    ]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BatchStatisticsNorm) and child in inputs:
                x = inputs[child]
                dims = [dim for dim in range(x.dim()) if dim != 1]
                fixed = FixedStatisticsNorm(child, x.mean(dims), x.var(dims, unbiased=False))
                setattr(parent, name, fixed)
    return network
