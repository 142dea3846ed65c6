"""Both spaces of ViT-Bench-101 as one, as its table has them."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from typing import Any

from torch import nn

from tegnas.spaces.autoformer import AutoFormer, AutoFormerArchitecture
from tegnas.spaces.base import DEEP_KINDS, TORCH
from tegnas.spaces.pit import PiT, PiTArchitecture
from tegnas.spaces.printed import PrintedSpace
from tegnas.spaces.small_size import DEEP_THIN_SIZE, SmallSize
from tegnas.spaces.vit_bench import DEEP_SIZE, RECIPE

ViTArchitecture = AutoFormerArchitecture | PiTArchitecture


class ViT(PrintedSpace):
    """The architectures of ``autoformer`` and of ``pit``, told apart by their notation.

    Drawn are as many of one as of the other; neighbours are of the same space. It is no product of
    choices, so policies (REINFORCE, FP-NAS) search one of the two.
    """

    name = "vit"
    image_channels = 3
    recipe = RECIPE
    deep_kinds = DEEP_KINDS
    engine = TORCH
    weights_by_name = True
    any_image_size = True

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.autoformer = AutoFormer(deep=deep, deep_thin=deep_thin)
        self.pit = PiT(deep=deep, deep_thin=deep_thin)

    def parse(self, text: str) -> ViTArchitecture:
        """Read the notation or short form of either space; ``InputError`` if it is malformed."""
        short = self.pit.read_short(text)  # of fewer letters than one of autoformer
        if short is not None:
            return short
        return self.pit.parse(text) if "base_dim" in text else self.autoformer.parse(text)

    def short(self, arch: ViTArchitecture) -> str:
        """The short form in its own space."""
        return self.space_of(arch).short(arch)

    def __len__(self) -> int:
        return len(self.autoformer) + len(self.pit)

    def __iter__(self) -> Iterator[ViTArchitecture]:
        """Those of PiT first, since there are few of them."""
        yield from self.pit
        yield from self.autoformer

    def sample(self, rng: random.Random) -> ViTArchitecture:
        """One of either space, then one of its architectures, both drawn uniformly."""
        return rng.choice((self.autoformer, self.pit)).sample(rng)

    def mutate(self, arch: ViTArchitecture, rng: random.Random) -> ViTArchitecture:
        """A neighbour of its own space."""
        return self.space_of(arch).mutate(arch, rng)

    def neighbours(self, arch: ViTArchitecture) -> Iterator[ViTArchitecture]:
        """Every architecture of its own space that differs in one choice."""
        return self.space_of(arch).neighbours(arch)

    def canonical(self, arch: ViTArchitecture) -> Hashable:
        """The architecture itself: none is isomorphic to another."""
        return arch

    def representative(self, arch: ViTArchitecture) -> ViTArchitecture:
        """The architecture itself."""
        return arch

    def is_connected(self, arch: ViTArchitecture) -> bool:
        """Always."""
        return True

    def network(
        self, arch: ViTArchitecture, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        """The untrained network, as its own space makes it."""
        return self.space_of(arch).network(arch, kind, num_classes=num_classes, seed=seed)

    def full_network(
        self,
        arch: ViTArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or one of another size."""
        return self.space_of(arch).full_network(
            arch, channels=channels, cells=cells, num_classes=num_classes, seed=seed
        )

    def parameters(self, arch: ViTArchitecture, num_classes: int) -> int:
        """Parameters of the full network."""
        return self.space_of(arch).parameters(arch, num_classes)

    def flops(
        self, arch: ViTArchitecture, num_classes: int, image_shape: tuple[int, int, int]
    ) -> int:
        """Operations of the full network for one image."""
        return self.space_of(arch).flops(arch, num_classes, image_shape)

    def pytorch_source(
        self,
        arch: ViTArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        return self.space_of(arch).pytorch_source(
            arch, channels=channels, cells=cells, num_classes=num_classes, version=version
        )

    def space_of(self, arch: ViTArchitecture) -> Any:
        """Which of the two an architecture is of."""
        return self.pit if isinstance(arch, PiTArchitecture) else self.autoformer
