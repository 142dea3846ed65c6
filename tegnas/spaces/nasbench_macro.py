"""The NAS-Bench-Macro space (Su et al., CVPR 2021, arXiv 2103.11922): 6,561 networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tegnas.errors import InputError
from tegnas.networks.mobile import MobilePlan
from tegnas.networks.nasbench_macro import BLOCKS, IDENTITY, LAYERS, STAGES, WIDTHS, macro_plan
from tegnas.spaces.factorised import Choice
from tegnas.spaces.mobile_space import MobileSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import SmallSize

_OPTIONS = (IDENTITY, *BLOCKS)
_FIRST_WIDTH = WIDTHS[1]


@dataclass(frozen=True)
class NasBenchMacroArchitecture:
    """The choice of each of the eight layers, as ``tegnas.networks.nasbench_macro`` numbers it."""

    layers: tuple[int, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.layers))


class NasBenchMacro(MobileSpace):
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
    image_channels = 3
    title = "NAS-Bench-Macro network (Su et al., arXiv 2103.11922)"
    kept = "eight layers"

    # As in the benchmark's released code.
    recipe = Recipe(epochs=50, nesterov=False)

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

    def short(self, arch: NasBenchMacroArchitecture) -> str:
        """The benchmark's own index, which is short."""
        return str(arch)

    def choices(self) -> tuple[Choice, ...]:
        """The eight layers."""
        blocks = (f"{kernel}x{kernel} expand {factor}" for kernel, factor in BLOCKS.values())
        options = ("identity", *blocks)
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

    def full_plan(self, arch: NasBenchMacroArchitecture, channels: int | None = None) -> MobilePlan:
        """The benchmark's network, or one with other channels than 64 in the first stage."""
        return macro_plan(arch.layers, WIDTHS if channels is None else _widths(SmallSize(channels)))

    def small_plan(
        self, arch: NasBenchMacroArchitecture, size: SmallSize, region_side: int | None
    ) -> MobilePlan:
        """The network of a size; with a ``region_side`` it has neither stem nor strides."""
        return macro_plan(arch.layers, _widths(size), region_side)


def _widths(size: SmallSize) -> tuple[int, ...]:
    return tuple(size.width(each, _FIRST_WIDTH) for each in WIDTHS)
