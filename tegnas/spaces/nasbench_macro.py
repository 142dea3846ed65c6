"""The NAS-Bench-Macro space (Su et al., CVPR 2021, arXiv 2103.11922): 6,561 networks."""

from __future__ import annotations

from collections.abc import Sequence
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
from tegnas.networks.nasbench_macro import BLOCKS, IDENTITY, LAYERS, STAGES, WIDTHS, macro_plan
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, check_kind
from tegnas.spaces.factorised import Choice
from tegnas.spaces.product import ProductSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import (
    DEEP_SIZE,
    DEEP_THIN_SIZE,
    PROXY_SIZE,
    THIN_SIZE,
    SmallSize,
)

_OPTIONS = (IDENTITY, *BLOCKS)
_FIRST_WIDTH = WIDTHS[1]


@dataclass(frozen=True)
class NasBenchMacroArchitecture:
    """The choice of each of the eight layers, as ``tegnas.networks.nasbench_macro`` numbers it."""

    layers: tuple[int, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.layers))


class NasBenchMacro(ProductSpace):
    """Eight layers, each an identity or one of two inverted residual blocks.

    Every layer is a choice of its own, so small networks have all eight whatever the ``depth`` of
    their size.

    Args:
        deep: size of the small network behind the kernels.
        deep_thin: size of the one behind the activation patterns.
        region_side: side of its inputs: single pixels, since on those of 2×2 nearly every network
            of the space tells all inputs apart.
    """

    name = "nas-bench-macro"
    deep_kinds = DEEP_KINDS

    # As in the benchmark's released code.
    recipe = Recipe(epochs=50, nesterov=False)

    def __init__(
        self,
        *,
        deep: SmallSize = DEEP_SIZE,
        deep_thin: SmallSize = DEEP_THIN_SIZE,
        region_side: int = 1,
    ) -> None:
        check_size(region_side=region_side)
        self.deep = deep
        self.deep_thin = deep_thin
        self.region_side = region_side

    def parse(self, text: str) -> NasBenchMacroArchitecture:
        """Read eight digits such as ``11111221``; ``InputError`` if it isn't that."""
        known = {str(each): each for each in _OPTIONS}
        digits = text.strip()
        if len(digits) != LAYERS or any(digit not in known for digit in digits):
            raise InputError(
                f"{text!r} is not an architecture of NAS-Bench-Macro; it should be {LAYERS} digits "
                "such as 11111221: 0 identity, 1 inverted residual 3x3 of expansion 3, 2 inverted "
                "residual 5x5 of expansion 6"
            )
        return NasBenchMacroArchitecture(tuple(known[digit] for digit in digits))

    def choices(self) -> tuple[Choice, ...]:
        """The eight layers."""
        options = tuple(map(str, _OPTIONS))
        return tuple(Choice(f"layer{index}", options) for index in range(LAYERS))

    def encode(self, arch: NasBenchMacroArchitecture) -> tuple[int, ...]:
        """The index of each layer's option."""
        return tuple(_OPTIONS.index(each) for each in arch.layers)

    def decode(self, indices: Sequence[int]) -> NasBenchMacroArchitecture:
        """The architecture with these options."""
        return NasBenchMacroArchitecture(tuple(_OPTIONS[index] for index in indices))

    def canonical(self, arch: NasBenchMacroArchitecture) -> str:
        """The text of ``representative`` (3,969 differ)."""
        return str(self.representative(arch))

    def representative(self, arch: NasBenchMacroArchitecture) -> NasBenchMacroArchitecture:
        """The same network with its identities at the end of each stage, as the benchmark has it.

        The first layer of a stage stays where it is: there an identity is a projection.
        """
        layers: list[int] = []
        left = list(arch.layers)
        for count in STAGES:
            first, *rest = left[:count]
            left = left[count:]
            kept = [each for each in rest if each != IDENTITY]
            layers += [first, *kept, *([IDENTITY] * (len(rest) - len(kept)))]
        return NasBenchMacroArchitecture(tuple(layers))

    def live(self, arch: NasBenchMacroArchitecture) -> NasBenchMacroArchitecture:
        """``representative``: isomorphic architectures are one network, to the last weight."""
        return self.representative(arch)

    def network(
        self,
        arch: NasBenchMacroArchitecture,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network.

        ``full``: the benchmark's own; the others: the same layers with fewer channels, of 64 in the
        first stage. ``thin`` and ``deep-thin`` have neither stem nor strides.
        """
        plan = self._plan(arch, kind)
        return initialised(lambda: MobileNetwork(plan, num_classes), seed)

    def program(
        self,
        arch: NasBenchMacroArchitecture,
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
        arch: NasBenchMacroArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or with other ``channels`` than 64 in the first stage."""
        plan = self._full_plan(arch, channels, cells)
        return initialised(lambda: MobileNetwork(plan, num_classes), seed)

    def pytorch_source(
        self,
        arch: NasBenchMacroArchitecture,
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
            title="NAS-Bench-Macro network (Su et al., arXiv 2103.11922)",
            arch=arch,
            num_classes=num_classes,
            version=version,
        )

    def parameters(self, arch: NasBenchMacroArchitecture, num_classes: int) -> int:
        """Parameters of the full network."""
        return mobile_size(self._plan(arch, "full"), num_classes, (3, 32, 32))[0]

    def flops(self, arch: NasBenchMacroArchitecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return mobile_size(self._plan(arch, "full"), num_classes, image_shape)[1]

    def _full_plan(
        self, arch: NasBenchMacroArchitecture, channels: int | None, cells: int | None
    ) -> MobilePlan:
        if cells is not None:
            raise InputError(
                "networks of nas-bench-macro have the eight layers of their architecture; leave "
                "cells out"
            )
        return macro_plan(arch.layers, WIDTHS if channels is None else _widths(SmallSize(channels)))

    def _plan(self, arch: NasBenchMacroArchitecture, kind: str) -> MobilePlan:
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        if kind == "full":
            return macro_plan(arch.layers)
        size, region_side = {
            "proxy": (PROXY_SIZE, None),
            "thin": (THIN_SIZE, self.region_side),
            "deep": (self.deep, None),
            "deep-thin": (self.deep_thin, self.region_side),
        }[kind]
        return macro_plan(arch.layers, _widths(size), region_side)


def _widths(size: SmallSize) -> tuple[int, ...]:
    return tuple(size.width(each, _FIRST_WIDTH) for each in WIDTHS)
