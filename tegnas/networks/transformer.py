"""What vision transformers are made of: patches, positions, blocks of attention and an MLP.

Dosovitskiy et al., ICLR 2021, arXiv 2010.11929; the pre-norm block is its equations 1 to 4.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

LAYER_NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class Cut:
    """How images become tokens.

    Attributes:
        patch, stride: of the convolution that makes a token of each patch.
        side: of the images that positions are learned for; larger ones are shrunk to it.
        exact: whether smaller ones are enlarged to it as well.
    """

    patch: int
    stride: int
    side: int
    exact: bool = False

    @property
    def grid(self) -> int:
        """Tokens a side, of images of ``side``."""
        return (self.side - self.patch) // self.stride + 1

    def resized(self, images: Tensor) -> Tensor:
        """The images (N, C, H, W) at the size that they are cut at, bilinear."""
        sides = (images.shape[2], images.shape[3])
        wanted = (self.side, self.side) if self.exact else tuple(min(n, self.side) for n in sides)
        if wanted == sides:
            return images
        shrunk = min(wanted) < max(sides)
        return F.interpolate(images, wanted, mode="bilinear", antialias=shrunk)

    def padded(self, images: Tensor) -> Tensor:
        """Zeros right and below, where else pixels would be in no patch."""
        below, right = (self._missing(images.shape[axis]) for axis in (2, 3))
        return F.pad(images, (0, right, 0, below)) if below or right else images

    def _missing(self, side: int) -> int:
        return self.patch - side if side < self.patch else (self.patch - side) % self.stride


class Patches(nn.Module):
    """Images (N, in_channels, H, W) → a token for each patch, (N, width, rows, columns)."""

    def __init__(self, in_channels: int, width: int, cut: Cut) -> None:
        super().__init__()
        self.cut = cut
        self.conv = nn.Conv2d(in_channels, width, cut.patch, stride=cut.stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.cut.padded(self.cut.resized(x)))


def interpolated(positions: Tensor, rows: int, columns: int) -> Tensor:
    """Positions (1, width, grid, grid) for another grid, (1, width, rows, columns)."""
    if positions.shape[2:] == (rows, columns):
        return positions
    return F.interpolate(positions, (rows, columns), mode="bilinear")


class Attention(nn.Module):
    """Multi-head self-attention over tokens (N, T, width), without relative positions.

    A head is width / heads wide, rounded: published widths are multiples of their heads, those of
    small networks need not be.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * max(1, round(width / heads))
        self.qkv = nn.Linear(width, 3 * inner)
        self.projection = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        images, tokens, _ = x.shape
        qkv = self.qkv(x).reshape(images, tokens, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        scale = query.shape[-1] ** -0.5
        attention = ((query * scale) @ key.transpose(2, 3)).softmax(3)
        return self.projection((attention @ value).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, hidden)
        self.gelu = nn.GELU()
        self.project = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(self.gelu(self.expand(x)))


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, width: int, heads: int, ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.mlp = MLP(width, int(width * ratio))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def make_blocks(width: int, layers: Sequence[tuple[int, float]]) -> nn.Sequential:
    """``block0``, ``block1``, …, one for each pair of heads and MLP ratio."""
    return nn.Sequential(
        OrderedDict(
            (f"block{index}", Block(width, heads, ratio))
            for index, (heads, ratio) in enumerate(layers)
        )
    )
