"""A layer for every instruction of programs, and for every function of an activation.

What has a number and no layer here fails ``test_no_instruction_and_no_function_is_left_out``. The
hostile calls of ``tools/`` spoil the programs of the same networks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from tegnas.engine import program as p
from tegnas.engine.functions import FUNCTIONS, Function


class Excitation(nn.Module):
    """Squeeze-and-excitation: every channel times a gate that all pixels decide over."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, 2, 1),
            nn.ReLU(),
            nn.Conv2d(2, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class Applied(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def sample_of(function: Function) -> Callable[[], nn.Module]:
    return partial(function.layer, **({function.below[0]: 0.2} if function.below else {}))


# What a value (N, 4, 6, 5) goes through, by opcode: at least one for each.
LAYERS: list[tuple[int, Callable[[], nn.Module]]] = [
    (p.CONV2D, lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)),
    (p.BATCH_NORM, lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4))),
    (p.RELU, nn.ReLU),
    (p.AVG_POOL, lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    (p.MAX_POOL, lambda: nn.MaxPool2d(3, 2, 1)),
    (p.ADD, lambda: Applied(lambda x: x + torch.relu(x))),
    (p.ZEROS, lambda: Applied(lambda x: torch.cat([x, 0 * x], 1))),
    (p.SCALE, lambda: Applied(lambda x: 1.5 * x)),
    (p.CONCAT, lambda: Applied(lambda x: torch.cat([x, torch.relu(x)], 1))),
    (p.PAD, lambda: Applied(lambda x: nn.functional.pad(x, (1, -2, -1, 2)))),
    (p.GLOBAL_AVG_POOL, lambda: nn.AdaptiveAvgPool2d(1)),
    (p.LINEAR, lambda: nn.Sequential(nn.Flatten(), nn.Linear(120, 4), nn.ReLU())),
    (p.PRODUCT, lambda: Excitation(4)),
    (p.PRODUCT, lambda: Applied(lambda x: x.mean((2, 3), keepdim=True) * (x * torch.relu(x)))),
    *((p.ACTIVATION, sample_of(function)) for function in FUNCTIONS.values()),
]


def with_layer(layer: nn.Module) -> nn.Module:
    """A network around a layer, whose values reach all pieces of its function."""
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4))
    nn.init.constant_(first[1].weight, 4.0)
    shape = layer(first(torch.zeros(2, 2, 6, 5))).shape
    last = [] if len(shape) == 2 else [nn.Conv2d(shape[1], 4, 1), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*first, layer, *last, nn.Flatten(), nn.Linear(4, 3)).double()
