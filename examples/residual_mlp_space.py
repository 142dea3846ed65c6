"""A search space of one's own: small residual MLPs on images of any size that 8 divides.

    tegnas search --space examples/residual_mlp_space.py:SPACE --images digits --budget 100

Choices come first, then the function that makes the network of one architecture. It averages the
image to 8×8 before it flattens it, so that it takes the smaller images of the default preset as
well. ``thin`` makes the network that linear regions are counted on: the same choices on a single
number instead of an image, because on whole images every network tells all inputs apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from tegnas.spaces import ChoiceSpace

CHOICES = {"blocks": (1, 2, 3, 4), "width": (8, 16, 32), "hidden": (8, 16, 32), "norm": (0, 1)}


class Block(nn.Module):
    def __init__(self, width: int, hidden: int, norm: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.up, self.relu, self.down = (
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Linear(hidden, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.relu(self.up(self.norm(x))))


def residual_mlp(choices: Mapping[str, int], inputs: int, num_classes: int) -> nn.Module:
    width = choices["width"]
    blocks = [
        Block(width, choices["hidden"], bool(choices["norm"])) for _ in range(choices["blocks"])
    ]
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, width), *blocks, nn.ReLU(), nn.Linear(width, num_classes)
    )


def build(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(8), residual_mlp(choices, 3 * 8 * 8, num_classes))


def thin(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    return residual_mlp(choices, 1, num_classes)


SPACE = ChoiceSpace("residual-mlp", CHOICES, build, thin=thin, region_input_shape=(1, 1, 1))
