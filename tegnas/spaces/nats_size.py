"""The NATS-Bench size space (Dong et al., TPAMI 2021, arXiv 2009.00437): 32,768 widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.errors import InputError
from tegnas.networks.full import check_size
from tegnas.networks.initialise import initialised
from tegnas.networks.nats_size import SizeNetwork, SizeThinNetwork
from tegnas.networks.nats_size_program import size_program, size_thin_program
from tegnas.networks.nats_size_source import nats_size_source
from tegnas.spaces.base import DEEP_KINDS, NETWORK_KINDS, THIN_KINDS, check_kind
from tegnas.spaces.factorised import Choice
from tegnas.spaces.nats_index import options_at, place_of, read_index
from tegnas.spaces.product import ProductSpace
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.small_size import DEEP_SIZE, DEEP_THIN_SIZE, SmallSize

CHANNELS = (8, 16, 24, 32, 40, 48, 56, 64)
POSITIONS = 5
_COUNTS = (len(CHANNELS),) * POSITIONS

# The small networks keep the ratios of the widths.
_PROXY_DIVISOR = 4
_THIN_DIVISOR = 8


@dataclass(frozen=True)
class NatsSizeArchitecture:
    """Channels after the stem's cell, the first reduction, its cell, the second, its cell."""

    channels: tuple[int, ...]

    def __str__(self) -> str:
        return ":".join(map(str, self.channels))


class NatsSize(ProductSpace):
    """Five numbers of channels from 8 to 64; the cell is fixed.

    The benchmark's network has one cell per stage: its small networks have the same, whatever
    their depth, and the narrowest first stage stands for the first stage of their sizes.

    Args:
        deep: how much of the benchmark's network the deep one keeps.
        deep_thin: the same of the deep thin one.

    Attributes:
        deep, deep_thin: as given.
    """

    name = "nats-size"
    image_channels = 3

    # As the benchmark trained them (arXiv 2009.00437): 90 epochs, else as those of
    # NAS-Bench-201.
    recipe = Recipe(epochs=90)
    deep_kinds = DEEP_KINDS
    weights_by_name = True

    def __init__(
        self, *, deep: SmallSize = DEEP_SIZE, deep_thin: SmallSize = DEEP_THIN_SIZE
    ) -> None:
        self.deep = deep
        self.deep_thin = deep_thin

    def parse(self, text: str) -> NatsSizeArchitecture:
        """Read five numbers such as ``8:16:32:64:64``, or the benchmark's number as ``index:9``.

        Raises ``InputError`` if it is neither.
        """
        index = read_index(text, len(self))
        if index is not None:
            return self.decode(options_at(index, _COUNTS))
        fields = text.strip().split(":")
        known = {str(each): each for each in CHANNELS}
        if len(fields) != POSITIONS or any(field not in known for field in fields):
            raise InputError(
                f"{text!r} is not an architecture of the NATS-Bench size space; it should look "
                f"like 8:16:32:64:64, of {', '.join(known)}"
            )
        return NatsSizeArchitecture(tuple(known[field] for field in fields))

    def short(self, arch: NatsSizeArchitecture) -> str:
        """The benchmark's own index, which is short."""
        return str(arch)

    def benchmark_index(self, arch: NatsSizeArchitecture) -> int:
        """The number of an architecture in NATS-Bench: all are numbered in order."""
        return place_of(self.encode(arch), _COUNTS)

    def choices(self) -> tuple[Choice, ...]:
        """The channels at each position."""
        options = tuple(map(str, CHANNELS))
        return tuple(Choice(f"channels{position}", options) for position in range(POSITIONS))

    def encode(self, arch: NatsSizeArchitecture) -> tuple[int, ...]:
        """The index of each number in ``CHANNELS``."""
        return tuple(CHANNELS.index(each) for each in arch.channels)

    def decode(self, indices: Sequence[int]) -> NatsSizeArchitecture:
        """The architecture with these numbers."""
        return NatsSizeArchitecture(tuple(CHANNELS[index] for index in indices))

    def network(
        self,
        arch: NatsSizeArchitecture,
        kind: str = "proxy",
        *,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The untrained network.

        ``full``: the benchmark's own; ``proxy``: a quarter of the channels; ``thin``: an eighth,
        see ``SizeThinNetwork``; ``deep`` and ``deep-thin``: the same at the sizes of the space (by
        default a half and an eighth). The small networks are ours; no paper has any.
        """
        channels = self._channels(arch, kind)
        make = SizeThinNetwork if kind in THIN_KINDS else SizeNetwork
        return initialised(lambda: make(channels, num_classes), seed)

    def program(
        self,
        arch: NatsSizeArchitecture,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of a network of any kind."""
        write = size_thin_program if kind in THIN_KINDS else size_program
        return write(self._channels(arch, kind), num_classes, image_shape, layout)

    def full_network(
        self,
        arch: NatsSizeArchitecture,
        *,
        channels: int | None = None,
        cells: int | None = None,
        num_classes: int = 10,
        auxiliary: bool = True,
        seed: int = 0,
    ) -> nn.Module:
        """The benchmark's network, or one with other ``channels`` in its first stage."""
        widths = _sized(arch, channels, cells)
        return initialised(lambda: SizeNetwork(widths, num_classes), seed)

    def pytorch_source(
        self,
        arch: NatsSizeArchitecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """The network as a file of its own."""
        widths = _sized(arch, channels, cells)
        return nats_size_source(arch, widths, num_classes=num_classes, version=version)

    def _channels(self, arch: NatsSizeArchitecture, kind: str) -> list[int]:
        """The widths of a network of a kind."""
        check_kind(kind, (*NETWORK_KINDS, *DEEP_KINDS))
        if kind == "full":
            return list(arch.channels)
        if kind in DEEP_KINDS:
            size = self.deep if kind == DEEP_KINDS[0] else self.deep_thin
            return [size.width(each, CHANNELS[0]) for each in arch.channels]
        divisor = _THIN_DIVISOR if kind in THIN_KINDS else _PROXY_DIVISOR
        return [each // divisor for each in arch.channels]


def _sized(arch: NatsSizeArchitecture, channels: int | None, cells: int | None) -> list[int]:
    """The widths in proportion to those of the first stage."""
    check_size(channels=channels, cells=cells)
    if cells not in (None, 1):
        raise InputError("networks of nats-size have one cell per stage; leave cells out")
    size = SmallSize(channels or arch.channels[0])
    return [size.width(each, arch.channels[0]) for each in arch.channels]
