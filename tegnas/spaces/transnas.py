"""What the two spaces of TransNAS-Bench-101 share (Duan et al., CVPR 2021, arXiv 2105.11871)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeVar

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.networks.full import check_size
from tegnas.networks.initialise import initialised
from tegnas.networks.transnas import TransNasNetwork, TransNasSize
from tegnas.networks.transnas_program import transnas_program
from tegnas.networks.transnas_sizes import network_size
from tegnas.networks.transnas_source import transnas_source
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, check_kind
from tegnas.spaces.printed import PrintedSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import (
    DEEP_SIZE,
    DEEP_THIN_SIZE,
    PROXY_SIZE,
    THIN_SIZE,
    SmallSize,
)

PUBLISHED = TransNasSize()

Wiring = tuple[str, Any]
"""The code of the modules, and the operations of the cell in them; None for residual blocks."""

Arch = TypeVar("Arch")


class TransNasSpace(PrintedSpace, Generic[Arch]):
    """Modules of two units each, cells or residual blocks.

    Args:
        deep, deep_thin: sizes of the deep small networks.
        stem_stride: of each of the two convolutions of a small network's stem. The benchmark's, 2,
            bring 256 pixels to 64 before the first module; small networks see images of 16 and
            less, of which the last modules would see a single pixel.
    """

    deep_kinds = DEEP_KINDS

    # As the benchmark trained for the classification of objects (its released code,
    # configs/train_from_scratch/class_object), less a warm-up of the learning rate and the jitter
    # of colours, which tegnas.train doesn't have.
    recipe = Recipe(epochs=25, batch_size=128, crop_padding=0)

    def __init__(
        self,
        *,
        deep: SmallSize = DEEP_SIZE,
        deep_thin: SmallSize = DEEP_THIN_SIZE,
        stem_stride: int = 1,
    ) -> None:
        check_size(stem_stride=stem_stride)
        self.deep, self.deep_thin, self.stem_stride = deep, deep_thin, stem_stride
        self._sizes = {
            "full": PUBLISHED,
            "proxy": _small(PROXY_SIZE, stem_stride),
            "thin": _small(THIN_SIZE, None, region_side=3),
            "deep": _small(deep, stem_stride),
            "deep-thin": _small(deep_thin, None),
        }

    @abstractmethod
    def wiring(self, arch: Arch) -> Wiring:
        """What the network of an architecture is made of."""

    def size_of(self, kind: str) -> TransNasSize:
        """The size of a kind of network; ``InputError`` for an unknown one."""
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        return self._sizes[kind]

    def network(
        self, arch: Arch, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        """The untrained network of an architecture.

        ``full``: the benchmark's own, 64 channels after the stem, two units per module; ``proxy``:
        3 channels, one unit per module; ``thin``: 1 channel, one unit, no stem, on inputs of 3×3;
        ``deep`` and ``deep-thin``: of the space's sizes, the latter without stem on inputs of 2×2.
        """
        return self._network(arch, self.size_of(kind), num_classes, seed)

    def full_network(
        self,
        arch: Arch,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, 64 channels and 2 units per module, or of another size."""
        return self._network(arch, _full(channels, cells), num_classes, seed)

    def program(
        self,
        arch: Arch,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind."""
        size = self.size_of(kind)
        return transnas_program(*self.wiring(arch), size, num_classes, image_shape, layout)

    def pytorch_source(
        self,
        arch: Arch,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        check_size(channels=channels, cells=cells, num_classes=num_classes)
        size = _full(channels, cells)
        return transnas_source(str(arch), *self.wiring(arch), size, num_classes, version)

    def parameters(self, arch: Arch, num_classes: int) -> int:
        """Parameters of the full network."""
        return network_size(*self.wiring(arch), PUBLISHED, num_classes, (3, 32, 32))[0]

    def flops(self, arch: Arch, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return network_size(*self.wiring(arch), PUBLISHED, num_classes, image_shape)[1]

    def _network(self, arch: Arch, size: TransNasSize, num_classes: int, seed: int) -> nn.Module:
        return initialised(lambda: TransNasNetwork(*self.wiring(arch), size, num_classes), seed)


def _full(channels: int | None, cells: int | None) -> TransNasSize:
    """The published size, or another number of channels of the stem and of units per module."""
    return TransNasSize(channels or PUBLISHED.channels, cells or PUBLISHED.units)


def _small(size: SmallSize, stem_stride: int | None, region_side: int = 2) -> TransNasSize:
    channels = size.width(PUBLISHED.channels, PUBLISHED.channels)
    return TransNasSize(channels, size.cells(PUBLISHED.units), stem_stride, region_side)
