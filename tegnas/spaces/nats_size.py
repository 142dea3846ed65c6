"""The NATS-Bench size space (Dong et al., TPAMI 2021, arXiv 2009.00437): 32,768 widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tegnas.errors import InputError
from tegnas.networks.initialise import initialised
from tegnas.networks.nats_size import SizeNetwork, SizeThinNetwork
from tegnas.spaces.base import check_kind
from tegnas.spaces.factorised import Choice
from tegnas.spaces.product import ProductSpace

CHANNELS = (8, 16, 24, 32, 40, 48, 56, 64)
POSITIONS = 5

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
    """Five numbers of channels from 8 to 64; the cell is fixed."""

    name = "nats-size"

    def parse(self, text: str) -> NatsSizeArchitecture:
        """Read five numbers such as ``8:16:32:64:64``; ``InputError`` if it isn't that."""
        fields = text.strip().split(":")
        known = {str(each): each for each in CHANNELS}
        if len(fields) != POSITIONS or any(field not in known for field in fields):
            raise InputError(
                f"{text!r} is not an architecture of the NATS-Bench size space; it should look "
                f"like 8:16:32:64:64, of {', '.join(known)}"
            )
        return NatsSizeArchitecture(tuple(known[field] for field in fields))

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
        see ``SizeThinNetwork``. The small networks are ours; no paper has any.
        """
        check_kind(kind)
        if kind == "thin":
            thin = [each // _THIN_DIVISOR for each in arch.channels]
            return initialised(lambda: SizeThinNetwork(thin, num_classes), seed)
        divisor = _PROXY_DIVISOR if kind == "proxy" else 1
        channels = [each // divisor for each in arch.channels]
        return initialised(lambda: SizeNetwork(channels, num_classes), seed)
