"""A search space of one's own of tiny vision transformers, for grey images of 16×16.

    tegnas search --space examples/tiny_vit_space.py:SPACE --images digits \
      --budget 30 --image-size 16

``image_channels=1`` says that the networks take one channel: the three equal ones of the digits
become one again. Positions are learned for one size of image, so that the networks take no other;
``thin`` makes the network whose patterns are counted, on a single token of one number beside the
class token.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tegnas.spaces import ChoiceSpace

SIDE = 16
CHOICES = {"patch": (4, 8), "width": (8, 16), "heads": (1, 2), "depth": (1, 2), "mlp": (1, 2)}


class Block(nn.Module):
    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(width, mlp * width), nn.GELU(), nn.Linear(mlp * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class TinyViT(nn.Module):
    def __init__(
        self, choices: Mapping[str, int], num_classes: int, *, side: int, patch: int
    ) -> None:
        super().__init__()
        width = choices["width"]
        self.patches = nn.Conv2d(1, width, patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + (side // patch) ** 2, width))
        self.blocks = nn.Sequential(
            *(Block(width, choices["heads"], choices["mlp"]) for _ in range(choices["depth"]))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def build(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    return TinyViT(choices, num_classes, side=SIDE, patch=choices["patch"])


def thin(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    return TinyViT(choices, num_classes, side=1, patch=1)


SPACE = ChoiceSpace(
    "tiny-vit", CHOICES, build, thin=thin, region_input_shape=(1, 1, 1), image_channels=1
)
SPACE.engine = "torch"  # no program of the native engine has attention
