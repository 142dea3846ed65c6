"""The MnasNet space of Accel-NASBench (Ahmad et al., DAC 2024, arXiv 2404.08005)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tegnas.errors import InputError
from tegnas.networks.mnasnet import (
    BLOCKS,
    DROPOUT,
    STRIDES,
    WIDTHS,
    MnasNetBlock,
    last_halvings,
    mnasnet_plan,
)
from tegnas.networks.mobile import MobilePlan
from tegnas.spaces.factorised import Choice
from tegnas.spaces.mobile_space import MobileSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize

EXPANSIONS = (1, 4, 6)
KERNEL_SIZES = (3, 5)
LAYERS = (1, 2, 3)
# EfficientNet-B0, which the benchmark wanted in its space, has four layers in the sixth block.
DEEPEST, DEEPEST_LAYERS = 5, (1, 2, 3, 4)
SQUEEZE_EXCITATION = (0, 1)

_NAMES = ("expansion", "kernel_size", "layers", "squeeze_excitation")
_FIRST_WIDTH = WIDTHS[1]
_PUBLISHED_HALVINGS = STRIDES.count(2)
_BLOCK = re.compile(r"e(\d+)k(\d+)l(\d+)s(\d+)")
_EXAMPLE = "e1k3l1s1-e6k3l2s1-e6k5l2s1-e6k3l3s1-e6k5l3s1-e6k5l4s1-e6k3l1s1"


@dataclass(frozen=True)
class MnasNetArchitecture:
    """The seven blocks."""

    blocks: tuple[MnasNetBlock, ...]

    def __str__(self) -> str:
        return "-".join(
            f"e{each.expansion}k{each.kernel_size}l{each.layers}s{each.squeeze_excitation:d}"
            for each in self.blocks
        )


class MnasNet(MobileSpace):
    """Seven blocks of layers: expansion, kernel size, how many, squeeze-and-excitation.

    10¹¹ architectures. How many layers a block has is a choice, so small networks have them all
    whatever the ``depth`` of their size.

    Args:
        deep: size of the small network behind the kernels.
        deep_thin: size of the one behind the activation patterns.
        region_side: side of its inputs: single pixels, since on those of 2×2 nearly every network
            of the space tells all inputs apart.
        halvings: how often small networks halve their images: they leave out the first of the five
            halvings of a network for images of 224×224, which would leave a single pixel of 16×16
            from the fourth block on.
    """

    name = "mnasnet"
    image_channels = 3
    title = "network of the MnasNet space of Accel-NASBench (arXiv 2404.08005)"

    # The short schedule of the benchmark as far as there are fields for it: 16 epochs on four GPUs
    # with 512 images each. It also warmed up for two epochs, smoothed labels, took random crops of
    # 160 to 192 pixels and left out layers at random.
    recipe = Recipe(
        epochs=16, batch_size=2048, learning_rate=0.425, weight_decay=1e-4, nesterov=False
    )

    def __init__(
        self,
        *,
        deep: SmallSize = DEEP_SIZE,
        deep_thin: SmallSize = DEEP_THIN_SIZE,
        region_side: int = 1,
        halvings: int = 3,
    ) -> None:
        super().__init__(deep=deep, deep_thin=deep_thin, region_side=region_side)
        if not 0 <= halvings <= _PUBLISHED_HALVINGS:
            raise InputError(
                f"halvings of mnasnet must be from 0 to {_PUBLISHED_HALVINGS}, got {halvings}"
            )
        self.halvings = halvings

    def parse(self, text: str) -> MnasNetArchitecture:
        """Read seven blocks such as ``e6k3l2s1-…``, or the short form.

        ``InputError`` if they aren't of this space.
        """
        short = self.read_short(text)
        if short is not None:
            return short
        matches = [_BLOCK.fullmatch(block) for block in re.split(r"[-,\s]+", text.strip())]
        if len(matches) != BLOCKS or not all(matches):
            raise InputError(
                f"{text!r} is not an architecture of the mnasnet space; it should look like "
                f"{_EXAMPLE}: expansion, kernel size, layers and squeeze-and-excitation of each of "
                "seven blocks"
            )
        taken = [tuple(map(int, match.groups())) for match in matches if match]
        for index, values in enumerate(taken):
            for letter, value, options in zip("ekls", values, _options(index), strict=True):
                if value not in options:
                    raise InputError(
                        f"block {index} of {text!r} has {letter}{value}; the options are "
                        f"{', '.join(f'{letter}{each}' for each in options)}"
                    )
        return MnasNetArchitecture(tuple(_block(values) for values in taken))

    def choices(self) -> tuple[Choice, ...]:
        """Expansion, kernel size, layers and squeeze-and-excitation of every block."""
        return tuple(
            Choice(f"block{index}.{name}", tuple(map(str, options)))
            for index in range(BLOCKS)
            for name, options in zip(_NAMES, _options(index), strict=True)
        )

    def encode(self, arch: MnasNetArchitecture) -> tuple[int, ...]:
        """The index of every option taken."""
        return tuple(
            options.index(int(getattr(block, name)))
            for index, block in enumerate(arch.blocks)
            for name, options in zip(_NAMES, _options(index), strict=True)
        )

    def decode(self, indices: Sequence[int]) -> MnasNetArchitecture:
        """The architecture with these options."""
        count = len(_NAMES)
        return MnasNetArchitecture(
            tuple(
                _block(
                    [
                        options[taken]
                        for options, taken in zip(
                            _options(index),
                            indices[count * index : count * (index + 1)],
                            strict=True,
                        )
                    ]
                )
                for index in range(BLOCKS)
            )
        )

    def full_plan(self, arch: MnasNetArchitecture, channels: int | None = None) -> MobilePlan:
        """The benchmark's network, or one with other channels than 16 in the first block."""
        widths = WIDTHS if channels is None else _widths(SmallSize(channels))
        return mnasnet_plan(arch.blocks, widths, dropout=DROPOUT)

    def small_plan(
        self, arch: MnasNetArchitecture, size: SmallSize, region_side: int | None
    ) -> MobilePlan:
        """The network of a size, with fewer halvings; with a ``region_side`` without strides."""
        strides = last_halvings(self.halvings)
        return mnasnet_plan(arch.blocks, _widths(size), strides, region_side=region_side)


def _options(block: int) -> tuple[tuple[int, ...], ...]:
    layers = DEEPEST_LAYERS if block == DEEPEST else LAYERS
    return (EXPANSIONS, KERNEL_SIZES, layers, SQUEEZE_EXCITATION)


def _block(values: Sequence[int]) -> MnasNetBlock:
    expansion, kernel_size, layers, squeeze_excitation = values
    return MnasNetBlock(expansion, kernel_size, layers, bool(squeeze_excitation))


def _widths(size: SmallSize) -> tuple[int, ...]:
    return tuple(size.width(each, _FIRST_WIDTH) for each in WIDTHS)
