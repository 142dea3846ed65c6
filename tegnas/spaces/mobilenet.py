"""Stages of MobileNetV2 blocks: width, depth, kernel and expansion of each of four stages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tegnas.errors import InputError
from tegnas.networks.mobile import MobilePlan
from tegnas.networks.mobilenet import Stage, mobilenet_plan
from tegnas.spaces.base import THIN_KINDS
from tegnas.spaces.factorised import Choice
from tegnas.spaces.mobile_space import MobileSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize

# For images of 32×32: the first stage keeps the resolution, each of the others halves it.
WIDTHS = ((12, 16, 24), (24, 32, 48), (48, 64, 96), (96, 128, 160))
STRIDES = (1, 2, 2, 2)
DEPTHS = (1, 2, 3)
KERNEL_SIZES = (3, 5)
EXPANSIONS = (3, 6)
STEM = 16
HEAD = 320

_PROXY_DIVISOR = 4
_THIN_DIVISOR = 12

_STAGE = re.compile(r"w(\d+)d(\d+)k(\d+)e(\d+)")
_EXAMPLE = "w16d2k3e6-w32d2k3e6-w64d3k5e6-w128d2k3e3"


@dataclass(frozen=True)
class MobileNetArchitecture:
    """The four stages."""

    stages: tuple[Stage, ...]

    def __str__(self) -> str:
        return "-".join(
            f"w{each.width}d{each.depth}k{each.kernel_size}e{each.expansion}"
            for each in self.stages
        )


class MobileNetSpace(MobileSpace):
    """1,679,616 networks of inverted residual blocks for small images.

    In the manner of MobileNetV2 (Sandler et al., CVPR 2018, arXiv 1801.04381) and of the searches
    around it (MnasNet, arXiv 1807.11626); the options are ours, scaled to 32×32 pixels.

    The narrowest first stage stands for the first stage of the sizes of small networks.

    Args:
        deep: how much of the network the deep one keeps.
        deep_thin: the same of the deep thin one.

    Attributes:
        deep, deep_thin: as given.
    """

    name = "mobilenet"
    image_channels = 3
    title = "network of MobileNetV2 blocks (arXiv 1801.04381) for small images"

    # Learning rate, batch and weight decay of MobileNetV2 (section 6.1), which was trained by
    # RMSProp; the length is what is usual for images of this size.
    recipe = Recipe(
        epochs=200, batch_size=96, learning_rate=0.045, weight_decay=4e-5, nesterov=False
    )

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        super().__init__(deep=deep, deep_thin=deep_thin)

    def parse(self, text: str) -> MobileNetArchitecture:
        """Read stages such as ``w16d2k3e6-…``, or the short form.

        ``InputError`` if they aren't of this space.
        """
        short = self.read_short(text)
        if short is not None:
            return short
        matches = [_STAGE.fullmatch(stage) for stage in text.strip().split("-")]
        if len(matches) != len(WIDTHS) or not all(matches):
            raise InputError(
                f"{text!r} is not an architecture of the mobilenet space; it should look like "
                f"{_EXAMPLE}"
            )
        stages = tuple(Stage(*map(int, match.groups())) for match in matches if match)
        for index, (stage, widths) in enumerate(zip(stages, WIDTHS, strict=True)):
            taken = (stage.width, stage.depth, stage.kernel_size, stage.expansion)
            for letter, value, options in zip("wdke", taken, _options(widths), strict=True):
                if value not in options:
                    raise InputError(
                        f"stage {index} of {text!r} has {letter}{value}; the options are "
                        f"{', '.join(f'{letter}{each}' for each in options)}"
                    )
        return MobileNetArchitecture(stages)

    def choices(self) -> tuple[Choice, ...]:
        """Width, depth, kernel size and expansion of every stage."""
        names = ("width", "depth", "kernel_size", "expansion")
        return tuple(
            Choice(f"stage{index}.{name}", tuple(map(str, options)))
            for index, widths in enumerate(WIDTHS)
            for name, options in zip(names, _options(widths), strict=True)
        )

    def encode(self, arch: MobileNetArchitecture) -> tuple[int, ...]:
        """The index of every option taken."""
        indices: list[int] = []
        for stage, widths in zip(arch.stages, WIDTHS, strict=True):
            taken = (stage.width, stage.depth, stage.kernel_size, stage.expansion)
            indices += (
                options.index(value) for value, options in zip(taken, _options(widths), strict=True)
            )
        return tuple(indices)

    def decode(self, indices: Sequence[int]) -> MobileNetArchitecture:
        """The architecture with these options."""
        stages = []
        for position, widths in enumerate(WIDTHS):
            taken = indices[4 * position : 4 * position + 4]
            values = [
                options[index] for index, options in zip(taken, _options(widths), strict=True)
            ]
            stages.append(Stage(*values))
        return MobileNetArchitecture(tuple(stages))

    def full_plan(self, arch: MobileNetArchitecture, channels: int | None = None) -> MobilePlan:
        """The full network, or one with other channels in its first stage."""
        return self.sized_plan(arch, channels, None)

    def small_plan(
        self, arch: MobileNetArchitecture, size: SmallSize, region_side: int | None
    ) -> MobilePlan:
        """The network of a size; with a ``region_side`` it has neither stem nor strides."""
        return _scaled(
            arch,
            lambda width: size.width(width, WIDTHS[0][0]),
            size.cells,
            thin=region_side is not None,
        )

    def sized_plan(
        self, arch: MobileNetArchitecture, channels: int | None, cells: int | None
    ) -> MobilePlan:
        """The full network at another size.

        Args:
            channels: of the first stage; every other width keeps its proportion to it.
            cells: the most blocks of a stage.
        """
        size, first = SmallSize(channels or arch.stages[0].width), arch.stages[0].width
        return _scaled(
            arch,
            lambda width: size.width(width, first),
            lambda blocks: blocks if cells is None else min(cells, blocks),
        )

    def plan(self, arch: MobileNetArchitecture, kind: str) -> MobilePlan:
        """The network of a kind: a quarter of the widths for ``proxy``, a twelfth for ``thin``."""
        divisor = {"proxy": _PROXY_DIVISOR, "thin": _THIN_DIVISOR}.get(kind)
        if divisor is None:
            return super().plan(arch, kind)
        thin = kind in THIN_KINDS
        return _scaled(arch, lambda width: width // divisor, lambda blocks: blocks, thin=thin)


def _scaled(
    arch: MobileNetArchitecture,
    width: Callable[[int], int],
    depth: Callable[[int], int],
    *,
    thin: bool = False,
) -> MobilePlan:
    """The network with other widths and other numbers of blocks."""
    stages = [
        Stage(width(each.width), depth(each.depth), each.kernel_size, each.expansion)
        for each in arch.stages
    ]
    return mobilenet_plan(stages, STRIDES, width(STEM), width(HEAD), thin=thin)


def _options(widths: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return (widths, DEPTHS, KERNEL_SIZES, EXPANSIONS)
