"""PyTorch source of vision transformers, as one would write it for one architecture."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tegnas.networks.full import check_size
from tegnas.networks.pit import PiTStage
from tegnas.networks.transformer import Cut

_HEADER = '''\
"""{title}, written by tegnas {version}.

The architecture is

{arch}

and the network is made and used as

    network = Network()
    logits = network(images)  # (N, 3, H, W) -> (N, {num_classes})
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Patches(nn.Module):
    """Images, brought to {side}x{side}, as a grid of tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, {patch}, stride={stride})

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != ({side}, {side}):
            shrunk = max(x.shape[2:]) > {side}
            x = F.interpolate(x, ({side}, {side}), mode="bilinear", antialias=shrunk)
        return self.conv(x)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * max(1, round(width / heads))
        self.qkv = nn.Linear(width, 3 * inner)
        self.projection = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        images, tokens, _ = x.shape
        qkv = self.qkv(x).reshape(images, tokens, 3, self.heads, -1)
        y = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4))
        return self.projection(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            OrderedDict(
                expand=nn.Linear(width, hidden), gelu=nn.GELU(), project=nn.Linear(hidden, width)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


'''

_AUTOFORMER = '''\
# Heads, and hidden channels of the MLP, of each layer.
LAYERS = (
{layers}
)


class Network(nn.Module):
    """Tokens of {width} channels through {depth} layers."""

    def __init__(self, width: int = {width}, num_classes: int = {num_classes}) -> None:
        super().__init__()
        self.patches = Patches(width)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, {tokens}, width))
        self.blocks = nn.Sequential(
            OrderedDict(
                (f"block{{index}}", Block(width, *layer)) for index, layer in enumerate(LAYERS)
            )
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.classifier(self.norm(self.blocks(x))[:, 1:].mean(1))
'''

_PIT = '''\
class Pool(nn.Module):
    """Halves the grid between two stages."""

    def __init__(self, width: int, out_width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out_width, 3, stride=2, padding=1, groups=width)
        self.linear = nn.Linear(width, out_width)

    def forward(self, x: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        return self.conv(x), self.linear(token)


def stage(width: int, depth: int, heads: int) -> nn.Sequential:
    blocks = ((f"block{{i}}", Block(width, heads, {ratio} * width)) for i in range(depth))
    return nn.Sequential(OrderedDict(blocks))


class Network(nn.Module):
    """Three stages of {widths} channels."""

    def __init__(self, num_classes: int = {num_classes}) -> None:
        super().__init__()
        self.patches = Patches({first})
        self.positions = nn.Parameter(0.02 * torch.randn(1, {first}, {grid}, {grid}))
        self.token = nn.Parameter(torch.zeros(1, 1, {first}))
{stages}
        self.norm = nn.LayerNorm({last}, eps=1e-6)
        self.classifier = nn.Linear({last}, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x) + self.positions
        token = self.token.expand(x.shape[0], -1, -1)
        x, token = self.blocks(self.stage0, x, token)
        x, token = self.blocks(self.stage1, *self.pool0(x, token))
        x, token = self.blocks(self.stage2, *self.pool1(x, token))
        return self.classifier(self.norm(token)[:, 0])

    @staticmethod
    def blocks(stage: nn.Module, x: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        tokens = stage(torch.cat([token, x.flatten(2).transpose(1, 2)], 1))
        return tokens[:, 1:].transpose(1, 2).unflatten(2, x.shape[2:]), tokens[:, :1]
'''


def autoformer_source(
    arch: str,
    width: int,
    layers: Sequence[tuple[int, float]],
    cut: Cut,
    *,
    num_classes: int,
    version: str,
) -> str:
    """The source of an ``AutoFormerNetwork``."""
    check_size(channels=width, cells=len(layers), num_classes=num_classes)
    title = "An AutoFormer network (Chen et al., arXiv 2107.00651)"
    return _header(title, arch, cut, num_classes, version) + _AUTOFORMER.format(
        layers="\n".join(f"    ({heads}, {int(width * ratio)})," for heads, ratio in layers),
        width=width,
        depth=len(layers),
        num_classes=num_classes,
        tokens=1 + cut.grid**2,
    )


def pit_source(
    arch: str, stages: Sequence[PiTStage], ratio: int, cut: Cut, *, num_classes: int, version: str
) -> str:
    """The source of a ``PiTNetwork`` of three stages."""
    check_size(num_classes=num_classes, **{f"stage{i}": s.depth for i, s in enumerate(stages)})
    widths = [each.width for each in stages]
    lines = []
    for index, each in enumerate(stages):
        if index:
            lines.append(f"self.pool{index - 1} = Pool({widths[index - 1]}, {each.width})")
        lines.append(f"self.stage{index} = stage({each.width}, {each.depth}, heads={each.heads})")
    title = "A pooling-based vision transformer (Heo et al., arXiv 2103.16302)"
    return _header(title, arch, cut, num_classes, version) + _PIT.format(
        ratio=ratio,
        widths=", ".join(map(str, widths)),
        num_classes=num_classes,
        first=widths[0],
        last=widths[-1],
        grid=cut.grid,
        stages="\n".join(f"        {line}" for line in lines),
    )


def _header(title: str, arch: str, cut: Cut, num_classes: int, version: str) -> str:
    text = textwrap.fill(arch, 96, initial_indent="    ", subsequent_indent="    ")
    return _HEADER.format(
        title=title,
        version=version,
        arch=text,
        num_classes=num_classes,
        side=cut.side,
        patch=cut.patch,
        stride=cut.stride,
    )
