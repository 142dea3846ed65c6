"""A search space of twenty tiny networks: what tests of searches share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from tegnas.errors import InputError
from tegnas.networks.initialise import initialise

WIDTHS, KERNELS, NORMS = (1, 2, 3, 4, 5), (1, 3), ("bn", "none")


@dataclass(frozen=True)
class TinyArchitecture:
    """One convolution."""

    width: int
    kernel: int
    norm: str

    def __str__(self) -> str:
        return f"{self.width}-{self.kernel}-{self.norm}"


class TinySpace:
    """Width, kernel size and normalisation of one convolution."""

    name = "tiny"

    def parse(self, text: str) -> TinyArchitecture:
        for arch in self:
            if str(arch) == text:
                return arch
        raise InputError(f"{text!r} is not a tiny architecture")

    def __iter__(self) -> Iterator[TinyArchitecture]:
        for width in WIDTHS:
            for kernel in KERNELS:
                for norm in NORMS:
                    yield TinyArchitecture(width, kernel, norm)

    def __len__(self) -> int:
        return len(WIDTHS) * len(KERNELS) * len(NORMS)

    def sample(self, rng: random.Random) -> TinyArchitecture:
        return TinyArchitecture(rng.choice(WIDTHS), rng.choice(KERNELS), rng.choice(NORMS))

    def mutate(self, arch: TinyArchitecture, rng: random.Random) -> TinyArchitecture:
        return rng.choice(list(self.neighbours(arch)))

    def neighbours(self, arch: TinyArchitecture) -> Iterator[TinyArchitecture]:
        for field, values in (("width", WIDTHS), ("kernel", KERNELS), ("norm", NORMS)):
            for value in values:
                if value != getattr(arch, field):
                    yield replace(arch, **{field: value})

    def canonical(self, arch: TinyArchitecture) -> TinyArchitecture:
        return arch

    def is_connected(self, arch: TinyArchitecture) -> bool:
        return True

    def network(
        self, arch: TinyArchitecture, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        channels = 1 if kind == "thin" else 3
        layers = [nn.Conv2d(channels, arch.width, arch.kernel, padding=arch.kernel // 2)]
        if arch.norm == "bn":
            layers.append(nn.BatchNorm2d(arch.width))
        layers += [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        network = nn.Sequential(*layers, nn.Linear(arch.width, num_classes))
        initialise(network, seed)
        return network
