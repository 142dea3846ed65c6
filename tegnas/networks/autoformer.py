"""Networks of the AutoFormer space as ViT-Bench-101 trains them.

Chen et al., AutoFormer, ICCV 2021, arXiv 2107.00651: one width, heads and MLP ratio layer by layer.
Wei et al., Auto-Prox, AAAI 2024, arXiv 2312.09059, who trained the networks of the table one by
one: heads share the width among them and nothing but absolute positions is learned (AutoFormer's
supernet has heads of 64 channels and relative positions as well), and the class token takes part
in attention, while the classifier reads the mean of the other tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.transformer import (
    LAYER_NORM_EPSILON,
    Cut,
    Patches,
    interpolated,
    make_blocks,
)


class AutoFormerNetwork(nn.Module):
    """Patches, class token, positions, blocks, LayerNorm, mean over patches, classifier.

    ``forward``: (N, in_channels, H, W) of any size → logits (N, num_classes).

    Args:
        width: of every token.
        layers: heads and MLP ratio of each layer.
        cut: how images become tokens.
    """

    searched_prefixes = ("blocks",)
    keeps_rows = True
    runs_alike = True

    def __init__(
        self,
        width: int,
        layers: Sequence[tuple[int, float]],
        cut: Cut,
        num_classes: int,
        *,
        in_channels: int = IMAGE_CHANNELS,
    ) -> None:
        super().__init__()
        self.region_input_shape = (in_channels, cut.side, cut.side)
        self.grid = cut.grid
        self.patches = Patches(in_channels, width, cut)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + cut.grid**2, width))
        self.blocks = make_blocks(width, layers)
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)
        positions = self._positions(x.shape[2], x.shape[3])
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x.flatten(2).transpose(1, 2)], 1)
        x = self.norm(self.blocks(x + positions))
        return self.classifier(x[:, 1:].mean(1))

    def _positions(self, rows: int, columns: int) -> Tensor:
        if (rows, columns) == (self.grid, self.grid):
            return self.positions
        of_patches = self.positions[:, 1:].transpose(1, 2).unflatten(2, (self.grid, self.grid))
        fitting = interpolated(of_patches, rows, columns).flatten(2).transpose(1, 2)
        return torch.cat([self.positions[:, :1], fitting], 1)
