"""What the two spaces of ViT-Bench-101 share (Wei et al., Auto-Prox, AAAI 2024, arXiv 2312.09059).

Networks are transformers for images of 224×224 in both. Their small networks keep what an
architecture is made of: every layer, and the proportion of widths, heads and MLPs. The unit of
width is the greatest that divides all published widths (24 of AutoFormer's 192, 216 and 240, 8 of
the 16 to 40 of a head of PiT); it becomes the ``channels`` of a ``SmallSize``, so that with one
channel already every width keeps its proportion.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from torch import nn

from tegnas.errors import InputError
from tegnas.networks.initialise import initialised
from tegnas.networks.layers import IMAGE_CHANNELS
from tegnas.networks.transformer import Cut
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, THIN_KINDS, TORCH, check_kind
from tegnas.spaces.literals import NotLiteral, read_literal
from tegnas.spaces.product import ProductSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import DEEP_THIN_SIZE, PROXY_SIZE, THIN_SIZE, SmallSize

Layer = TypeVar("Layer")

# Fewer channels than in other spaces: a unit is a part of a head, and there are several heads.
DEEP_SIZE = SmallSize(channels=2, depth=0.6)

# Published (the paper's section 4 and its released configurations): AdamW, learning rate 5e-4 with
# 20 epochs of warming up, weight decay 0.05, paths dropped by up to 0.1, strong augmentation,
# images enlarged to 224×224. Length, batch and cosine are theirs; the rest is what is usual for
# transformers by stochastic gradient descent, which is what tegnas trains by.
RECIPE = Recipe(
    epochs=300, batch_size=128, learning_rate=0.03, weight_decay=1e-4, nesterov=False, clip=1.0
)

# Region inputs are single numbers, each a token beside the class token: patterns are then those
# along a line. On images of 2×2 every input has a pattern of its own, so deep are these networks.
_THIN_CUT = Cut(patch=1, stride=1, side=1)
_THIN_CHANNELS = 1


class ViTBenchSpace(ProductSpace):
    """A space of transformers: what the two have in common.

    Args:
        deep, deep_thin: sizes of the deep small networks.
    """

    recipe = RECIPE
    deep_kinds = DEEP_KINDS
    engine = TORCH
    weights_by_name = True
    any_image_size = True

    # How the published network makes tokens of images.
    cut: ClassVar[Cut]

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.deep = deep
        self.deep_thin = deep_thin

    @abstractmethod
    def small_network(self, arch: Any, small: SmallNetwork, num_classes: int) -> nn.Module:
        """The network of an architecture at a small size, its weights not yet set."""

    @abstractmethod
    def full_network(
        self,
        arch: Any,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or one of another size."""

    @abstractmethod
    def full_size(self, arch: Any, num_classes: int) -> tuple[int, int]:
        """Parameters of the benchmark's network, and its operations for one image of any size."""

    def parameters(self, arch: Any, num_classes: int) -> int:
        """Parameters of the full network."""
        return self.full_size(arch, num_classes)[0]

    def flops(self, arch: Any, num_classes: int, image_shape: tuple[int, int, int]) -> int:
        """Operations of the full network for one image, which is brought to its size."""
        return self.full_size(arch, num_classes)[1]

    def network(
        self, arch: Any, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        """The untrained network.

        ``full``: the benchmark's own; ``deep`` and ``proxy``: with the channels and the share of
        layers of their ``SmallSize``; ``deep-thin`` and ``thin``: the same on single pixels of one
        channel, each a token beside the class token. The stem stays: it is what makes the tokens.
        """
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        if kind == "full":
            return self.full_network(arch, num_classes=num_classes, seed=seed)
        small = _small(kind, self.cut, self.deep, self.deep_thin)
        return initialised(lambda: self.small_network(arch, small, num_classes), seed)


@dataclass(frozen=True)
class SmallNetwork:
    """What a small network is made by.

    Attributes:
        size: its width and depth.
        cut: how it makes tokens of images.
        in_channels: of these images.
    """

    size: SmallSize
    cut: Cut
    in_channels: int


def _small(kind: str, published: Cut, deep: SmallSize, deep_thin: SmallSize) -> SmallNetwork:
    """The small network of a kind.

    Those of the kernels see as many tokens as in training, as far as small images have them: their
    stride is two pixels, their patches overlap as much as the published ones, and images above
    32×32 are shrunk to that. Those of the patterns see single pixels of one channel.
    """
    sizes = {"proxy": PROXY_SIZE, "thin": THIN_SIZE, "deep": deep, "deep-thin": deep_thin}
    if kind in THIN_KINDS:
        return SmallNetwork(sizes[kind], _THIN_CUT, _THIN_CHANNELS)
    cut = Cut(patch=2 * published.patch // published.stride, stride=2, side=32)
    return SmallNetwork(sizes[kind], cut, IMAGE_CHANNELS)


def spread(layers: Sequence[Layer], kept: int) -> list[Layer]:
    """``kept`` of the layers at even distances, the first among them."""
    return [layers[index * len(layers) // kept] for index in range(kept)]


def read_entries(text: str, space: str, example: str, names: Sequence[str]) -> dict[str, Any]:
    """The entries of an architecture written as JSON or as a Python dictionary.

    Raises ``InputError`` unless they are exactly those of ``names``.
    """
    try:
        read = read_literal(text)
    except NotLiteral:
        read = None
    if not isinstance(read, dict) or set(read) != set(names):
        raise InputError(
            f"{text!r} is not an architecture of the {space} space; it should look like {example}"
        )
    return read


def check_option(value: object, options: Sequence[float], what: str, text: str) -> None:
    """Raise ``InputError`` unless the value is one of the options."""
    if isinstance(value, bool) or value not in options:
        known = ", ".join(map(str, options))
        raise InputError(f"{what} {value!r} in {text!r} is not an option; the space has {known}")
