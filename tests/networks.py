"""Small networks in float64, and what to compare of them: shared by the tests of indicators."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def images(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal inputs, the first size being the number of images."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter drawn anew, those of one dimension around 1, in float64."""
    generator = torch.Generator().manual_seed(seed)
    network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(drawn * 0.3 + (1.0 if parameter.dim() == 1 else 0.0))
    return network


class Function(nn.Module):
    """A function as a module, with no parameters or those of ``layers``."""

    def __init__(self, function: Callable, *layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> object:
        return self.function(x, *self.layers)


class Logits(nn.Module):
    """Any value as (N, features), each feature bent by its own factor."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return torch.sin(x * torch.linspace(0.5, 2.0, x.shape[1], dtype=x.dtype))


def cnn() -> nn.Module:
    """Convolutions, BatchNorm, a residual sum and a classifier of three classes, for 3×H×W."""
    network = nn.Sequential()
    network.add_module("stem", nn.Conv2d(3, 4, 3, padding=1))
    network.add_module("body", _Block())
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("classifier", nn.Linear(4, 3))
    return network


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(F.relu(x))) + x)


def mixed_training() -> nn.Module:
    """``cnn`` with dropout, parts in training and parts not, and a weight that isn't trained."""
    network = nn.Sequential(cnn()[:2], nn.Dropout(0.5), nn.InstanceNorm2d(4, True), cnn()[2:])
    network.insert(2, nn.BatchNorm2d(4))
    network.train()
    network[0].eval()
    network[0][0].weight.requires_grad_(False)
    return network


def state_of(network: nn.Module) -> dict[str, object]:
    """All that a call must leave as it was."""
    state: dict[str, object] = {}
    for name, module in network.named_modules():
        state[f"{name} training"] = module.training
        state[f"{name} attributes"] = sorted(vars(module))
        state[f"{name} hooks"] = (len(module._forward_hooks), len(module._forward_pre_hooks))
    for name, parameter in network.named_parameters():
        state[f"{name} needs"] = (parameter.requires_grad, parameter.grad)
    for name, value in network.state_dict().items():
        state[f"{name} value"] = value.tolist()
    return state
