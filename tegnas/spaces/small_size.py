"""How much of the trained network a small network keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tegnas.errors import InputError


@dataclass(frozen=True)
class SmallSize:
    """The size of a small network beside that of the published one, by one rule for any space.

    Attributes:
        channels: of the first stage; every other width keeps its proportion to it.
        depth: the share of the cells (blocks, layers) of each stage, rounded up; 0 keeps one.

    Raises:
        InputError: fewer channels than one, or a share that isn't within 0 and 1.
    """

    channels: int
    depth: float = 1.0

    def __post_init__(self) -> None:
        if type(self.channels) is not int or self.channels < 1:
            raise InputError(f"channels must be a whole number, at least 1, got {self.channels!r}")
        if not 0 <= self.depth <= 1:
            raise InputError(f"depth must be a share within 0 and 1, got {self.depth!r}")

    def width(self, published: int, first: int) -> int:
        """``published`` channels in proportion, at least 1.

        Args:
            published: a width of the published network.
            first: the width of its first stage, which becomes ``channels``.
        """
        return max(1, round(published * self.channels / first))

    def cells(self, published: int) -> int:
        """How many of the cells of a stage are kept."""
        return max(1, math.ceil(published * self.depth)) if published else 0


# Of one cell per stage, as the networks of the paper's released code.
PROXY_SIZE = SmallSize(channels=3, depth=0)
THIN_SIZE = SmallSize(channels=1, depth=0)

# What the fifth study chose for every space (docs/studies/ranking-fifth.md).
DEEP_SIZE = SmallSize(channels=3, depth=0.6)
DEEP_THIN_SIZE = SmallSize(channels=1, depth=0.6)
