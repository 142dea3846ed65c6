"""Stages of MobileNetV2 blocks: width, depth, kernel and expansion of each of four stages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.errors import InputError
from tegnas.networks.full import check_size
from tegnas.networks.initialise import initialised
from tegnas.networks.mobile import MobileNetwork, MobilePlan
from tegnas.networks.mobile_program import mobile_program
from tegnas.networks.mobile_size import mobile_size
from tegnas.networks.mobile_source import mobile_source
from tegnas.networks.mobilenet import Stage, mobilenet_plan
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, THIN_KINDS, check_kind
from tegnas.spaces.factorised import Choice
from tegnas.spaces.product import ProductSpace
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


class MobileNetSpace(ProductSpace):
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
    deep_kinds = DEEP_KINDS
    weights_by_name = True

    # Learning rate, batch and weight decay of MobileNetV2 (section 6.1), which was trained by
    # RMSProp; the length is what is usual for images of this size.
    recipe = Recipe(
        epochs=200, batch_size=96, learning_rate=0.045, weight_decay=4e-5, nesterov=False
    )

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.deep = deep
        self.deep_thin = deep_thin

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

    def network(
        self,
        arch: MobileNetArchitecture,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network.

        ``full``: as described; ``proxy``: a quarter of the widths; ``thin``: a twelfth, on images
        of one channel, without stem and strides; ``deep`` and ``deep-thin``: the same at the sizes
        of the space (by default a third and a twelfth).
        """
        plan = self._plan(arch, kind)
        return initialised(lambda: MobileNetwork(plan, num_classes), seed)

    def program(
        self,
        arch: MobileNetArchitecture,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind."""
        return mobile_program(self._plan(arch, kind), num_classes, image_shape, layout)

    def full_network(
        self,
        arch: MobileNetArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The full network, or one of another size.

        Args:
            channels: of the first stage; every other width keeps its proportion to it.
            cells: the most blocks of a stage.
        """
        plan = self._full_plan(arch, channels, cells)
        return initialised(lambda: MobileNetwork(plan, num_classes), seed)

    def pytorch_source(
        self,
        arch: MobileNetArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        check_size(channels=channels, cells=cells, num_classes=num_classes)
        return mobile_source(
            self._full_plan(arch, channels, cells),
            title="network of MobileNetV2 blocks (arXiv 1801.04381) for small images",
            arch=arch,
            num_classes=num_classes,
            version=version,
        )

    def parameters(self, arch: MobileNetArchitecture, num_classes: int) -> int:
        """Parameters of the full network."""
        return mobile_size(self._plan(arch, "full"), num_classes, (3, 32, 32))[0]

    def flops(self, arch: MobileNetArchitecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return mobile_size(self._plan(arch, "full"), num_classes, image_shape)[1]

    def _plan(self, arch: MobileNetArchitecture, kind: str) -> MobilePlan:
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        return _scaled(arch, *self._scaling(kind), thin=kind in THIN_KINDS)

    def _full_plan(
        self, arch: MobileNetArchitecture, channels: int | None, cells: int | None
    ) -> MobilePlan:
        size, first = SmallSize(channels or arch.stages[0].width), arch.stages[0].width
        return _scaled(
            arch,
            lambda width: size.width(width, first),
            lambda blocks: blocks if cells is None else min(cells, blocks),
        )

    def _scaling(self, kind: str) -> tuple[Callable[[int], int], Callable[[int], int]]:
        """What becomes of a width of the full network, and of the blocks of a stage."""
        if kind in DEEP_KINDS:
            size = self.deep if kind == DEEP_KINDS[0] else self.deep_thin
            return lambda width: size.width(width, WIDTHS[0][0]), size.cells
        divisor = {"full": 1, "proxy": _PROXY_DIVISOR, "thin": _THIN_DIVISOR}[kind]
        return lambda width: width // divisor, lambda blocks: blocks


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
