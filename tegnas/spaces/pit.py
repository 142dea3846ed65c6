"""The PiT space of ViT-Bench-101: pooling-based transformers (Heo et al., arXiv 2103.16302)."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tegnas.errors import InputError
from tegnas.networks.initialise import initialised
from tegnas.networks.pit import PiTNetwork, PiTStage
from tegnas.networks.transformer import Cut
from tegnas.networks.transformer_size import pit_size
from tegnas.networks.transformer_source import pit_source
from tegnas.spaces.factorised import Choice
from tegnas.spaces.vit_bench import SmallNetwork, ViTBenchSpace, check_option, read_entries

HEAD_WIDTHS = (16, 24, 32, 40)
RATIOS = (2, 4, 6, 8)
DEPTHS = ((1, 2, 3), (4, 6, 8), (2, 4, 6))
# A pool makes one or more channels of each, so a stage has no fewer heads than that before it.
HEADS = tuple(itertools.combinations_with_replacement((2, 4, 8), len(DEPTHS)))

# What becomes the channels of a small network.
_UNIT = math.gcd(*HEAD_WIDTHS)

CUT = Cut(patch=16, stride=8, side=224, exact=True)

_NAMES = ("base_dim", "mlp_ratio", "depth", "num_heads")


@dataclass(frozen=True)
class PiTArchitecture:
    """The width of a head and the MLP ratio; depth and heads of the three stages."""

    head_width: int
    ratio: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]

    def __str__(self) -> str:
        return json.dumps(
            {
                "base_dim": self.head_width,
                "mlp_ratio": self.ratio,
                "depth": self.depths,
                "num_heads": self.heads,
            }
        )

    def stages(self, head_width: int) -> list[PiTStage]:
        """The stages with heads of another width."""
        return [
            PiTStage(head_width * heads, depth, heads)
            for depth, heads in zip(self.depths, self.heads, strict=True)
        ]


_EXAMPLE = PiTArchitecture(32, 4, (2, 6, 4), (2, 4, 8))


class PiT(ViTBenchSpace):
    """4,320 transformers of three stages."""

    name = "pit"
    image_channels = 3
    cut = CUT

    def parse(self, text: str) -> PiTArchitecture:
        """Read ``{"base_dim": …, "mlp_ratio": …, "depth": […], "num_heads": […]}``.

        And the short form. Raises ``InputError`` if it isn't of this space.
        """
        short = self.read_short(text)
        if short is not None:
            return short
        read = read_entries(text, self.name, str(_EXAMPLE), _NAMES)
        check_option(read["base_dim"], HEAD_WIDTHS, "base_dim", text)
        check_option(read["mlp_ratio"], RATIOS, "mlp_ratio", text)
        for name in ("depth", "num_heads"):
            values = read[name]
            length = len(values) if isinstance(values, list | tuple) else 0
            check_option(length, [len(DEPTHS)], f"the number of entries of {name}", text)
        for depth, options in zip(read["depth"], DEPTHS, strict=True):
            check_option(depth, options, "depth", text)
        heads = tuple(read["num_heads"])
        if heads not in HEADS:
            known = ", ".join(str(list(each)) for each in HEADS)
            raise InputError(f"num_heads {list(heads)} in {text!r}: the space has {known}")
        return PiTArchitecture(
            int(read["base_dim"]),
            int(read["mlp_ratio"]),
            tuple(map(int, read["depth"])),
            tuple(map(int, heads)),
        )

    def choices(self) -> tuple[Choice, ...]:
        """Width of a head, ratio, the depth of each stage, the heads of all."""
        return (
            Choice("base_dim", tuple(map(str, HEAD_WIDTHS))),
            Choice("mlp_ratio", tuple(map(str, RATIOS))),
            *(
                Choice(f"stage{index}.depth", tuple(map(str, options)))
                for index, options in enumerate(DEPTHS)
            ),
            Choice("num_heads", tuple("-".join(map(str, each)) for each in HEADS)),
        )

    def encode(self, arch: PiTArchitecture) -> tuple[int, ...]:
        """The index of every option taken."""
        return (
            HEAD_WIDTHS.index(arch.head_width),
            RATIOS.index(arch.ratio),
            *(options.index(each) for each, options in zip(arch.depths, DEPTHS, strict=True)),
            HEADS.index(arch.heads),
        )

    def decode(self, indices: Sequence[int]) -> PiTArchitecture:
        """The architecture with these options."""
        width, ratio, *depths, heads = indices
        return PiTArchitecture(
            HEAD_WIDTHS[width],
            RATIOS[ratio],
            tuple(options[each] for each, options in zip(depths, DEPTHS, strict=True)),
            HEADS[heads],
        )

    def small_network(
        self, arch: PiTArchitecture, small: SmallNetwork, num_classes: int
    ) -> nn.Module:
        """The network with another unit of width and as many layers as its size keeps."""
        stages = arch.stages(small.size.width(arch.head_width, _UNIT))
        stages = [PiTStage(each.width, small.size.cells(each.depth), each.heads) for each in stages]
        return PiTNetwork(stages, arch.ratio, small.cut, num_classes, in_channels=small.in_channels)

    def full_size(self, arch: PiTArchitecture, num_classes: int) -> tuple[int, int]:
        """Parameters of the benchmark's network, and its operations for one image."""
        return pit_size(arch.stages(arch.head_width), arch.ratio, CUT, num_classes)

    def full_network(
        self,
        arch: PiTArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or one of another size.

        Args:
            channels: of the first stage, rounded up to a multiple of its heads.
            cells: the most blocks of a stage.
        """
        stages = _sized(arch, channels, cells)
        return initialised(lambda: PiTNetwork(stages, arch.ratio, CUT, num_classes), seed)

    def pytorch_source(
        self,
        arch: PiTArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        stages = _sized(arch, channels, cells)
        return pit_source(
            str(arch), stages, arch.ratio, CUT, num_classes=num_classes, version=version
        )


def _sized(arch: PiTArchitecture, channels: int | None, cells: int | None) -> list[PiTStage]:
    head_width = arch.head_width if channels is None else -(-channels // arch.heads[0])
    return [
        PiTStage(each.width, each.depth if cells is None else min(cells, each.depth), each.heads)
        for each in arch.stages(head_width)
    ]
