"""The AutoFormer space (Chen et al., ICCV 2021, arXiv 2107.00651) as ViT-Bench-101 has it."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tegnas.networks.autoformer import AutoFormerNetwork
from tegnas.networks.initialise import initialised
from tegnas.networks.transformer import Cut
from tegnas.networks.transformer_size import autoformer_size
from tegnas.networks.transformer_source import autoformer_source
from tegnas.spaces.factorised import Choice
from tegnas.spaces.vit_bench import SmallNetwork, ViTBenchSpace, check_option, read_entries, spread

# Table 1 of the paper, the smallest of its three spaces.
WIDTHS = (192, 216, 240)
DEPTHS = (12, 13, 14)
HEADS = (3, 4)
RATIOS = (3.5, 4.0)

CUT = Cut(patch=16, stride=16, side=224, exact=True)

# What becomes the channels of a small network.
_UNIT = math.gcd(*WIDTHS)

_NAMES = ("hidden_dim", "mlp_ratio", "depth", "num_heads")
_LAYERS = tuple(itertools.product(HEADS, RATIOS))
# What may follow the layers that every network has.
_TAILS = tuple(
    tail for depth in DEPTHS for tail in itertools.product(_LAYERS, repeat=depth - DEPTHS[0])
)


@dataclass(frozen=True)
class AutoFormerArchitecture:
    """The width of all tokens; heads and MLP ratio of each layer."""

    width: int
    layers: tuple[tuple[int, float], ...]

    def __str__(self) -> str:
        return json.dumps(
            {
                "hidden_dim": self.width,
                "mlp_ratio": [ratio for _, ratio in self.layers],
                "depth": len(self.layers),
                "num_heads": [heads for heads, _ in self.layers],
            }
        )


_EXAMPLE = AutoFormerArchitecture(192, ((3, 4.0),) * DEPTHS[0])


class AutoFormer(ViTBenchSpace):
    """1,056,964,608 transformers of 12 to 14 layers.

    A product of choices: the width, heads and ratio of each of the first twelve layers, and what
    follows these (nothing, or one or two layers) as one choice. So every architecture is drawn with
    the same probability, and three of four have fourteen layers.
    """

    name = "autoformer"
    image_channels = 3
    cut = CUT

    def parse(self, text: str) -> AutoFormerArchitecture:
        """Read ``{"hidden_dim": …, "mlp_ratio": […], "depth": …, "num_heads": […]}``.

        And the short form. Raises ``InputError`` if it isn't of this space.
        """
        short = self.read_short(text)
        if short is not None:
            return short
        read = read_entries(text, self.name, str(_EXAMPLE), _NAMES)
        width, depth = read["hidden_dim"], read["depth"]
        check_option(width, WIDTHS, "hidden_dim", text)
        check_option(depth, DEPTHS, "depth", text)
        for name, options in (("num_heads", HEADS), ("mlp_ratio", RATIOS)):
            values = read[name]
            length = len(values) if isinstance(values, list | tuple) else 0
            check_option(length, [depth], f"the number of entries of {name}", text)
            for value in values:
                check_option(value, options, name, text)
        heads, ratios = map(int, read["num_heads"]), map(float, read["mlp_ratio"])
        return AutoFormerArchitecture(int(width), tuple(zip(heads, ratios, strict=True)))

    def choices(self) -> tuple[Choice, ...]:
        """Width, heads and ratio of twelve layers, and the layers after these."""
        return (
            Choice("hidden_dim", tuple(map(str, WIDTHS))),
            *(
                Choice(f"layer{index}.{name}", tuple(map(str, options)))
                for index in range(DEPTHS[0])
                for name, options in (("num_heads", HEADS), ("mlp_ratio", RATIOS))
            ),
            Choice("further_layers", tuple(map(_tail_text, _TAILS))),
        )

    def encode(self, arch: AutoFormerArchitecture) -> tuple[int, ...]:
        """The index of every option taken."""
        return (
            WIDTHS.index(arch.width),
            *(
                options.index(value)
                for layer in arch.layers[: DEPTHS[0]]
                for value, options in zip(layer, (HEADS, RATIOS), strict=True)
            ),
            _TAILS.index(arch.layers[DEPTHS[0] :]),
        )

    def decode(self, indices: Sequence[int]) -> AutoFormerArchitecture:
        """The architecture with these options."""
        width, *pairs, tail = indices
        layers = tuple(
            (HEADS[heads], RATIOS[ratio])
            for heads, ratio in zip(pairs[::2], pairs[1::2], strict=True)
        )
        return AutoFormerArchitecture(WIDTHS[width], layers + _TAILS[tail])

    def small_network(
        self, arch: AutoFormerArchitecture, small: SmallNetwork, num_classes: int
    ) -> nn.Module:
        """The network with another unit of width and as many layers as its size keeps."""
        return AutoFormerNetwork(
            small.size.width(arch.width, _UNIT),
            spread(arch.layers, small.size.cells(len(arch.layers))),
            small.cut,
            num_classes,
            in_channels=small.in_channels,
        )

    def full_size(self, arch: AutoFormerArchitecture, num_classes: int) -> tuple[int, int]:
        """Parameters of the benchmark's network, and its operations for one image."""
        return autoformer_size(arch.width, arch.layers, CUT, num_classes)

    def full_network(
        self,
        arch: AutoFormerArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or one of another width (``channels``) and depth (``cells``)."""
        width, layers = _sized(arch, channels, cells)
        return initialised(lambda: AutoFormerNetwork(width, layers, CUT, num_classes), seed)

    def pytorch_source(
        self,
        arch: AutoFormerArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        width, layers = _sized(arch, channels, cells)
        return autoformer_source(
            str(arch), width, layers, CUT, num_classes=num_classes, version=version
        )


def _sized(
    arch: AutoFormerArchitecture, channels: int | None, cells: int | None
) -> tuple[int, list[tuple[int, float]]]:
    depth = len(arch.layers)
    kept = spread(arch.layers, depth if cells is None else min(cells, depth))
    return arch.width if channels is None else channels, kept


def _tail_text(tail: Sequence[tuple[int, float]]) -> str:
    return "+".join(f"{heads}x{ratio}" for heads, ratio in tail) or "none"
