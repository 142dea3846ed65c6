"""The frozen NTK as well as plain PyTorch can do it: hooks and batched matrix products.

With frozen statistics one backward pass gives the gradient at the output of every layer for all
images at once; a layer's rows of the Jacobian are then a batched product. The fair baseline of the
benchmarks, and for tests a way to the same numbers that shares no code with the native one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.reference.ntk import BatchStatisticsNorm, with_batch_statistics


def frozen_rows(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """∂s_i/∂θ by weight, each (N, numel), for networks of Conv2d, BatchNorm and Linear layers."""
    network = with_batch_statistics(network, "frozen")
    inputs: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}

    def hook(name: str):
        def record(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            inputs[name] = args[0].detach()
            output.register_hook(lambda gradient: gradients.__setitem__(name, gradient))

        return record

    layers = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear | BatchStatisticsNorm)
    }
    for name, module in layers.items():
        module.register_forward_hook(hook(name))
    images = images.detach().requires_grad_(True)
    torch.autograd.grad(network(images).sum(), images, allow_unused=True)
    return {
        f"{name}.weight": _rows(module, inputs[name], gradients[name])
        for name, module in layers.items()
        if name in gradients
    }


def _rows(module: nn.Module, layer_input: Tensor, gradient: Tensor) -> Tensor:
    images = len(layer_input)
    if isinstance(module, nn.Linear):
        rows = gradient.unsqueeze(2) * layer_input.unsqueeze(1)
    elif isinstance(module, nn.Conv2d):
        patches = F.unfold(
            layer_input,
            module.kernel_size,
            module.dilation,
            tuple(map(int, module.padding)),
            module.stride,
        )
        groups, pixels = module.groups, patches.shape[-1]
        rows = torch.matmul(
            gradient.reshape(images, groups, -1, pixels),
            patches.reshape(images, groups, -1, pixels).transpose(2, 3),
        )
    else:
        assert isinstance(module, BatchStatisticsNorm)
        dims = [0, *range(2, layer_input.dim())]
        shape = [1, -1, *[1] * (layer_input.dim() - 2)]
        mean, variance = layer_input.mean(dims), layer_input.var(dims, unbiased=False)
        normalised = (layer_input - mean.view(shape)) / (variance.view(shape) + module.eps).sqrt()
        rows = (normalised * gradient).flatten(2).sum(2)
    return rows.reshape(images, -1)


def gram_of_rows(left: dict[str, Tensor], right: dict[str, Tensor] | None = None) -> Tensor:
    """Σ J_l J_l'ᵀ over the weights, accumulated in float64: (N, N) or (N, N')."""
    right = left if right is None else right
    grams = [rows.double() @ right[name].double().T for name, rows in left.items()]
    return torch.stack(grams).sum(0)
