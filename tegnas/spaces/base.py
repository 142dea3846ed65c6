"""What a search space offers to scoring and search."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from typing import Any, Protocol, runtime_checkable

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.errors import InputError

# An architecture is a small immutable, hashable value of a type that its space defines;
# ``Space.parse`` reads back what ``str`` printed.
Architecture = Any

NETWORK_KINDS = ("proxy", "thin", "full")
DEEP_KINDS = ("deep", "deep-thin")

# The small networks that kernels and activation patterns are computed on.
DEEP, PAPER = "deep", "paper"
SMALL_NETWORKS = (DEEP, PAPER)


@runtime_checkable
class Space(Protocol):
    """A set of architectures and the networks they stand for.

    Methods that draw at random take a ``random.Random`` and change nothing else.
    """

    name: str

    def parse(self, text: str) -> Architecture:
        """The architecture that ``str`` printed; ``InputError`` if the text is malformed."""

    def sample(self, rng: random.Random) -> Architecture:
        """An architecture drawn uniformly."""

    def mutate(self, arch: Architecture, rng: random.Random) -> Architecture:
        """A neighbour of ``arch`` drawn uniformly."""

    def neighbours(self, arch: Architecture) -> Iterator[Architecture]:
        """Every architecture that differs from ``arch`` in one choice."""

    def __iter__(self) -> Iterator[Architecture]:
        """Every architecture, in a fixed order."""

    def __len__(self) -> int:
        """How many architectures there are."""

    def canonical(self, arch: Architecture) -> Hashable:
        """A value that isomorphic architectures share."""

    def is_connected(self, arch: Architecture) -> bool:
        """Whether the output depends on the input at all."""

    def network(
        self, arch: Architecture, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        """The untrained network: ``proxy`` for T and G, ``thin`` for E, ``full`` for training."""


@runtime_checkable
class ProgramSpace(Space, Protocol):
    """A space that writes programs of the native engine itself, without making the ``nn.Module``.

    Optional, for speed: the networks of any other space are traced.
    """

    def program(
        self,
        arch: Architecture,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        layout: ParameterLayout,
    ) -> Program:
        """The program of ``network(arch, kind)``, with its parameters placed in ``layout``."""


@runtime_checkable
class DeepSpace(Space, Protocol):
    """A space whose ``network`` also makes small networks of more cells than the paper's.

    Optional: ``deep_kinds`` names the kinds for the kernels and for the activation patterns. Any
    other space has ``proxy`` and ``thin``.
    """

    deep_kinds: tuple[str, str]


def small_network_kinds(space: Space, small_networks: str) -> tuple[str, str]:
    """The kinds of the networks behind the kernels, and behind the activation patterns."""
    if small_networks == DEEP and isinstance(space, DeepSpace):
        return space.deep_kinds
    return "proxy", "thin"


def check_kind(kind: str, kinds: tuple[str, ...] = NETWORK_KINDS) -> None:
    """Raise ``InputError`` unless ``kind`` is a kind of network."""
    if kind not in kinds:
        raise InputError(f"unknown kind of network {kind!r}; choose one of {', '.join(kinds)}")
