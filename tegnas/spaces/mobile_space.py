"""What spaces of inverted residual blocks share: networks, programs and files of one plan."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.errors import InputError
from tegnas.networks.full import check_size
from tegnas.networks.initialise import initialised
from tegnas.networks.mobile import MobileNetwork, MobilePlan
from tegnas.networks.mobile_program import mobile_program
from tegnas.networks.mobile_size import mobile_size
from tegnas.networks.mobile_source import mobile_source
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, THIN_KINDS, Architecture, check_kind
from tegnas.spaces.product import ProductSpace
from tegnas.spaces.small_size import (
    DEEP_SIZE,
    DEEP_THIN_SIZE,
    PROXY_SIZE,
    THIN_SIZE,
    SmallSize,
)


class MobileSpace(ProductSpace):
    """A space whose layers are searched, so that small networks have them all.

    The ``depth`` of a size says nothing here. A subclass gives the plan of an architecture.

    Args:
        deep: size of the small network behind the kernels.
        deep_thin: size of the one behind the activation patterns.
        region_side: side of its inputs: single pixels, since on those of 2×2 nearly every network
            of these spaces tells all inputs apart.
    """

    deep_kinds = DEEP_KINDS
    weights_by_name = True

    # What exported files call the network.
    title: ClassVar[str]
    # What no small network leaves out.
    kept = "layers"

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

    @abstractmethod
    def full_plan(self, arch: Architecture, channels: int | None = None) -> MobilePlan:
        """The benchmark's network, or one with other channels in its first stage."""

    @abstractmethod
    def small_plan(
        self, arch: Architecture, size: SmallSize, region_side: int | None
    ) -> MobilePlan:
        """The network of a size; with a ``region_side`` it has neither stem nor strides."""

    def sized_plan(self, arch: Architecture, channels: int | None, cells: int | None) -> MobilePlan:
        """The full network at a size for training; ``cells`` only where layers aren't searched."""
        if cells is not None:
            raise InputError(
                f"networks of {self.name} have the {self.kept} of their architecture; leave cells "
                "out"
            )
        return self.full_plan(arch, channels)

    def network(
        self, arch: Architecture, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        """The untrained network.

        ``full``: the benchmark's own; the others: the same layers with fewer channels. ``thin`` and
        ``deep-thin`` have neither stem nor strides.
        """
        plan = self.plan(arch, kind)
        return initialised(lambda: MobileNetwork(plan, num_classes), seed)

    def program(
        self,
        arch: Architecture,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind."""
        return mobile_program(self.plan(arch, kind), num_classes, image_shape, layout)

    def full_network(
        self,
        arch: Architecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or one with other ``channels`` in its first stage."""
        plan = self.sized_plan(arch, channels, cells)
        return initialised(lambda: MobileNetwork(plan, num_classes), seed)

    def pytorch_source(
        self,
        arch: Architecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        check_size(channels=channels, cells=cells, num_classes=num_classes)
        plan = self.sized_plan(arch, channels, cells)
        return mobile_source(
            plan, title=self.title, arch=arch, num_classes=num_classes, version=version
        )

    def parameters(self, arch: Architecture, num_classes: int) -> int:
        """Parameters of the full network."""
        return mobile_size(self.full_plan(arch), num_classes, (3, 32, 32))[0]

    def flops(self, arch: Architecture, num_classes: int, image_shape: Shape) -> int:
        """Operations of the full network for one image."""
        return mobile_size(self.full_plan(arch), num_classes, image_shape)[1]

    def plan(self, arch: Architecture, kind: str) -> MobilePlan:
        """The network of a kind."""
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        if kind == "full":
            return self.full_plan(arch)
        sizes = {
            "proxy": PROXY_SIZE,
            "thin": THIN_SIZE,
            "deep": self.deep,
            "deep-thin": self.deep_thin,
        }
        return self.small_plan(arch, sizes[kind], self.region_side if kind in THIN_KINDS else None)
