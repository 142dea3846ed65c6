"""A search space of one's own on rows of a table: MLPs for a table with any number of columns.

    tegnas search --space examples/tabular_mlp_space.py:SPACE --images wine --strategy exhaustive

Linear regions are counted on inputs that are drawn like the rows. In so many dimensions nearly
every input has a region of its own, which a search says; ``thin`` and ``region_input_shape`` count
them on two numbers instead, where networks differ.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from tegnas.spaces import ChoiceSpace

CHOICES = {"layers": (1, 2, 4), "width": (8, 16, 32), "norm": (0, 1), "skip": (0, 1)}


class Layer(nn.Module):
    def __init__(self, width: int, norm: bool, skip: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.relu = nn.ReLU()
        self.linear = nn.Linear(width, width)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        out = self.linear(self.relu(self.norm(x)))
        return x + out if self.skip else out


def mlp(choices: Mapping[str, int], columns: int, num_classes: int) -> nn.Module:
    width, norm, skip = choices["width"], bool(choices["norm"]), bool(choices["skip"])
    layers = [Layer(width, norm, skip) for _ in range(choices["layers"])]
    return nn.Sequential(
        nn.Linear(columns, width), *layers, nn.ReLU(), nn.Linear(width, num_classes)
    )


def space(columns: int) -> ChoiceSpace:
    """MLPs for rows of so many columns."""
    return ChoiceSpace(
        f"tabular-mlp-{columns}",
        CHOICES,
        lambda choices, num_classes: mlp(choices, columns, num_classes),
        thin=lambda choices, num_classes: mlp(choices, 2, num_classes),
        region_input_shape=(2,),
    )


SPACE = space(13)
