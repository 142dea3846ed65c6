"""What a search space offers to scoring and search."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import nn

from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.engine.template import ProgramTemplate
from tegnas.errors import InputError

# An architecture is a small immutable, hashable value of a type that its space defines;
# ``Space.parse`` reads back what ``str`` printed.
Architecture = Any

NETWORK_KINDS = ("proxy", "thin", "full")
DEEP_KINDS = ("deep", "deep-thin")

# The small networks that kernels and activation patterns are computed on.
DEEP, PAPER = "deep", "paper"
SMALL_NETWORKS = (DEEP, PAPER)

# Networks that regions are counted on: they need not give logits.
THIN_KINDS = ("thin", "deep-thin")


@runtime_checkable
class Space(Protocol):
    """A set of architectures and the networks they stand for.

    A space may say by an attribute ``image_channels`` that its networks take images of 3 channels,
    or of 1: grey images are then given to them that way. Methods that draw at random take a
    ``random.Random`` and change nothing else.
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
class TemplateSpace(ProgramSpace, Protocol):
    """A space whose architectures' programs are choices from one template.

    Optional, for speed: other programs are written one by one.
    """

    def program_template(
        self, kind: str, *, num_classes: int, image_shape: Shape, layout: ParameterLayout
    ) -> ProgramTemplate:
        """The template of the programs that ``program`` writes, word for word."""

    def template_options(self, archs: Sequence[Architecture]) -> Sequence[Sequence[int]] | None:
        """(A, edges): which option each architecture takes for each edge.

        None where one of them isn't a choice from the template, as a supernet.
        """


@runtime_checkable
class InitialisedSpace(Space, Protocol):
    """A space that says whether its networks' weights are those of ``initialise``, by their names.

    Optional, for speed: of networks that are traced, one is then made for all seeds.
    """

    weights_by_name: bool


@runtime_checkable
class DeepSpace(Space, Protocol):
    """A space whose ``network`` also makes small networks of more cells than the paper's.

    Optional: ``deep_kinds`` names the kinds for the kernels and for the activation patterns. Any
    other space has ``proxy`` and ``thin``.
    """

    deep_kinds: tuple[str, str]


@runtime_checkable
class SizedSpace(Space, Protocol):
    """A space whose full network can be made smaller, for training and export. Optional."""

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
        """The full network with other numbers of channels and cells; None is the space's own.

        ``auxiliary``: whether it gets its auxiliary classifier, where it has one.
        """


@runtime_checkable
class ExportedSpace(Space, Protocol):
    """A space that writes a network as PyTorch source which needs nothing else. Optional."""

    def pytorch_source(
        self,
        arch: Architecture,
        *,
        channels: int | None,
        cells: int | None,
        num_classes: int,
        version: str,
    ) -> str:
        """A module with a class ``Network``, as ``full_network`` without its seed."""


@runtime_checkable
class MeasuredSpace(Space, Protocol):
    """A space that knows the size of its full networks without making them. Optional, for speed.

    An auxiliary classifier, which is thrown away after training, isn't counted.
    """

    def parameters(self, arch: Architecture, num_classes: int) -> int:
        """Number of parameters."""

    def flops(self, arch: Architecture, num_classes: int, image_shape: tuple[int, int, int]) -> int:
        """Operations for one image (C, H, W), see ``count_flops``."""


# The engines that networks of spaces are scored by: programs of the native one where there are
# such, PyTorch modules always.
NATIVE, TORCH = "native", "torch"
ENGINES = (NATIVE, TORCH)


def engine_for(space: Space, wanted: str) -> str:
    """The engine that networks of a space are scored by when ``wanted`` is asked for.

    A space of networks that no program can describe has an attribute ``engine``, ``"torch"``: else
    each of them would be traced for nothing, with a warning that says why.
    """
    return getattr(space, "engine", wanted)


def strategy_default(space: Space, strategy: str, option: str, otherwise: Any) -> Any:
    """The published value of a strategy's option on a space, in its ``strategy_defaults``."""
    known = getattr(space, "strategy_defaults", {})
    return known.get(strategy, {}).get(option, otherwise)


def small_network_kinds(space: Space, small_networks: str) -> tuple[str, str]:
    """The kinds of the networks behind the kernels, and behind the activation patterns."""
    if small_networks == DEEP and isinstance(space, DeepSpace):
        return space.deep_kinds
    return "proxy", "thin"


def check_kind(kind: str, kinds: tuple[str, ...] = NETWORK_KINDS) -> None:
    """Raise ``InputError`` unless ``kind`` is a kind of network."""
    if kind not in kinds:
        raise InputError(f"unknown kind of network {kind!r}; choose one of {', '.join(kinds)}")
