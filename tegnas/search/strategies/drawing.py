"""What strategies ask of a space before they use it, and drawing within its constraints."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol, cast, runtime_checkable

from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import FactorisedSpace

# Draws in a row that may fail before a search gives up.
MAX_DRAWS = 1_000


@runtime_checkable
class LimitedSpace(Protocol):
    """A space of which not every architecture is admitted.

    Attributes:
        max_draws: how many draws in a row may fail.
    """

    max_draws: int

    def admits(self, arch: Architecture) -> bool:
        """Whether an architecture may be proposed."""

    def describe(self) -> str:
        """The limits in words."""


def require_mutations(space: Space, strategy: str) -> None:
    """Raise ``InputError`` unless the architectures of a space, limits aside, have neighbours."""
    space = unlimited(space)
    if hasattr(space, "mutate") and hasattr(space, "neighbours"):
        if next(iter(space.neighbours(space.sample(random.Random(0)))), None) is not None:
            return
    raise InputError(
        f"{space.name} has no mutations, which {strategy} search needs; use random or exhaustive"
    )


def require_choices(space: Space, strategy: str) -> FactorisedSpace:
    """The space, as a product of choices; ``InputError`` if it isn't one."""
    if not all(hasattr(space, method) for method in ("choices", "encode", "decode")):
        raise InputError(
            f"{space.name} isn't a product of choices (choices, encode and decode), which "
            f"{strategy} search needs; use evolution or random"
        )
    return cast(FactorisedSpace, space)


def is_admitted(space: Space, arch: Architecture) -> bool:
    """Whether the limits of a space, if it has any, admit an architecture."""
    return not isinstance(space, LimitedSpace) or space.admits(arch)


def unlimited(space: Space) -> Space:
    """The space without its limits."""
    return getattr(space, "unlimited", space)


def draw_admitted(space: Space, draw: Callable[[], Architecture]) -> Architecture:
    """Draw until the constraints of the space admit the architecture.

    Raises ``InputError`` after as many draws in a row as the space allows, at most ``MAX_DRAWS``.
    """
    if not isinstance(space, LimitedSpace):
        return draw()
    name = getattr(space, "name", "the space")
    draws = min(MAX_DRAWS, space.max_draws)
    for _ in range(draws):
        arch = draw()
        if space.admits(arch):
            return arch
    raise InputError(
        f"no architecture of {name} within the constraints ({space.describe()}) was found "
        f"in {draws:,} draws; loosen them"
    )
