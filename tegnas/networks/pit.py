"""Pooling-based vision transformers (Heo et al., ICCV 2021, arXiv 2103.16302)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class PiTStage:
    """Blocks of one resolution: how wide, how many, of how many heads."""

    width: int
    depth: int
    heads: int


class Pool(nn.Module):
    """Halves the grid by a convolution of each channel; the class token by a linear layer.

    Each channel becomes one or more: ``out_width`` is a multiple of ``width``.
    """

    def __init__(self, width: int, out_width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out_width, 3, stride=2, padding=1, groups=width)
        self.linear = nn.Linear(width, out_width)

    def forward(self, x: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        return self.conv(x), self.linear(token)


class PiTNetwork(nn.Module):
    """Overlapping patches, three stages of blocks with pools between them, classifier.

    The classifier reads the class token; what is done to other tokens in the last block doesn't
    reach it. ``forward``: (N, in_channels, H, W) of any size → logits (N, num_classes).

    Args:
        stages: of the network; the width of each is a multiple of that before it.
        ratio: of every MLP.
        cut: how images become tokens.
    """

    searched_prefixes = ("stage",)
    keeps_rows = True
    runs_alike = True

    def __init__(
        self,
        stages: Sequence[PiTStage],
        ratio: float,
        cut: Cut,
        num_classes: int,
        *,
        in_channels: int = IMAGE_CHANNELS,
    ) -> None:
        super().__init__()
        self.region_input_shape = (in_channels, cut.side, cut.side)
        first, last = stages[0].width, stages[-1].width
        self.patches = Patches(in_channels, first, cut)
        self.positions = nn.Parameter(torch.zeros(1, first, cut.grid, cut.grid))
        self.token = nn.Parameter(torch.zeros(1, 1, first))
        for index, stage in enumerate(stages):
            if index:
                self.add_module(f"pool{index - 1}", Pool(stages[index - 1].width, stage.width))
            layers = [(stage.heads, ratio)] * stage.depth
            self.add_module(f"stage{index}", make_blocks(stage.width, layers))
        self.count = len(stages)
        self.norm = nn.LayerNorm(last, eps=LAYER_NORM_EPSILON)
        self.classifier = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)
        x = x + interpolated(self.positions, x.shape[2], x.shape[3])
        token = self.token.expand(x.shape[0], -1, -1)
        for index in range(self.count):
            if index:
                x, token = self.get_submodule(f"pool{index - 1}")(x, token)
            rows, columns = x.shape[2:]
            tokens = torch.cat([token, x.flatten(2).transpose(1, 2)], 1)
            tokens = self.get_submodule(f"stage{index}")(tokens)
            token = tokens[:, :1]
            x = tokens[:, 1:].transpose(1, 2).unflatten(2, (rows, columns))
        return self.classifier(self.norm(token)[:, 0])
