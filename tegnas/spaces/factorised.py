"""Spaces seen as independent choices, and supernets that hold several options of each edge.

What policies and pruning need to know of a space, and all that they know.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tegnas.errors import InputError
from tegnas.spaces.base import Architecture, Space


@dataclass(frozen=True)
class Choice:
    """One independent decision: its name and the printed forms of its options."""

    name: str
    options: tuple[str, ...]


@runtime_checkable
class CodedSpace(Space, Protocol):
    """A space whose architectures can be told by the options that they take in some choices.

    Not every combination need be an architecture. What lays architectures out needs no more.
    """

    def choices(self) -> tuple[Choice, ...]:
        """The choices, in a fixed order."""

    def encode(self, arch: Architecture) -> tuple[int, ...]:
        """The index of the option taken in every choice."""


@runtime_checkable
class FactorisedSpace(CodedSpace, Protocol):
    """A space that is a product of choices: every combination of options is an architecture."""

    def decode(self, indices: Sequence[int]) -> Architecture:
        """The architecture with these options; inverse of ``encode``."""


# Names, commas and semicolons alone: dictionaries, which others write with the same brackets, have
# quotes and colons.
_SUPERNET = re.compile(r"\{[\w,;-]+\}")

Removal = tuple[int, str]
"""An edge of a supernet and the operation to take off it."""


@dataclass(frozen=True)
class RemovalGroup:
    """Removals that compete with each other; at least ``keep`` of what they remove must stay.

    ``at_once``: all that may go goes in one round, however many a strategy drops at a time.
    """

    removals: tuple[Removal, ...]
    keep: int
    at_once: bool = False


@dataclass(frozen=True)
class Supernet:
    """A set of operations on every edge; an edge computes the mean of its operations.

    The mean is what the softmax over equal architecture parameters of TE-NAS (Chen et al., ICLR
    2021, arXiv 2102.11535) and DARTS gives. An edge without operations contributes nothing.
    """

    operations: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return "{" + ";".join(",".join(edge) or "-" for edge in self.operations) + "}"

    def without(self, removals: Iterable[Removal]) -> Supernet:
        """The supernet that is left after some removals."""
        removed = set(removals)
        return Supernet(
            tuple(
                tuple(name for name in edge if (index, name) not in removed)
                for index, edge in enumerate(self.operations)
            )
        )


@runtime_checkable
class SupernetSpace(Space, Protocol):
    """A space whose ``network``, ``parse`` and ``is_connected`` know supernets as well."""

    def supernet(self) -> Supernet:
        """Every operation that computes something, on every edge."""

    def removals(self, supernet: Supernet) -> tuple[RemovalGroup, ...]:
        """What may go next; none once the supernet is a single path."""

    def single_path(self, supernet: Supernet) -> Architecture:
        """The architecture that a fully pruned supernet is."""


@runtime_checkable
class NamedSupernetSpace(SupernetSpace, Protocol):
    """A supernet space whose edges have names, so that the course of pruning can be drawn."""

    @property
    def supernet_edges(self) -> tuple[str, ...]:
        """Names of the edges of a supernet."""

    def path_of(self, arch: Architecture) -> Supernet:
        """The supernet of which ``single_path`` makes an architecture."""


def parse_supernet(text: str, edges: int, operations: Sequence[str]) -> Supernet | None:
    """Read what ``str`` printed of a supernet; None if the text is no supernet at all.

    Raises ``InputError`` for an unknown operation or another number of edges.
    """
    text = text.strip()
    if not _SUPERNET.fullmatch(text):
        return None
    read = [() if edge == "-" else tuple(edge.split(",")) for edge in text[1:-1].split(";")]
    if len(read) != edges:
        raise InputError(f"the supernet {text!r} has {len(read)} edges instead of {edges}")
    for name in (name for edge in read for name in edge):
        if name not in operations:
            raise InputError(
                f"unknown operation {name!r} in {text!r}; the space has {', '.join(operations)}"
            )
    return Supernet(tuple(read))


def combinations(choices: Sequence[Choice]) -> int:
    """How many architectures a product of choices holds."""
    return math.prod(len(choice.options) for choice in choices)


def mutate_one(
    indices: Sequence[int], choices: Sequence[Choice], rng: random.Random
) -> tuple[int, ...]:
    """Another option in one choice, both drawn uniformly among the choices that have another.

    Raises ``InputError`` if no choice has a second option.
    """
    open_choices = [index for index, choice in enumerate(choices) if len(choice.options) > 1]
    if not open_choices:
        raise InputError("no choice of the space has a second option, so nothing can be mutated")
    position = rng.choice(open_choices)
    others = [each for each in range(len(choices[position].options)) if each != indices[position]]
    return (*indices[:position], rng.choice(others), *indices[position + 1 :])
