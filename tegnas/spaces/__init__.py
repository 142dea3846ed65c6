"""Search spaces: architectures as small immutable values."""

from __future__ import annotations

from tegnas.errors import InputError
from tegnas.spaces.base import NETWORK_KINDS, Architecture, ProgramSpace, Space
from tegnas.spaces.nasbench201 import NasBench201, NasBench201Architecture

_SPACES = {NasBench201.name: NasBench201}


def space_names() -> tuple[str, ...]:
    """The names that ``get_space`` knows."""
    return tuple(_SPACES)


def get_space(name: str) -> Space:
    """The search space of that name; ``InputError`` names the known ones."""
    try:
        return _SPACES[name.lower()]()
    except KeyError:
        known = ", ".join(_SPACES)
        raise InputError(f"unknown search space {name!r}; tegnas knows {known}") from None


__all__ = [
    "NETWORK_KINDS",
    "Architecture",
    "NasBench201",
    "NasBench201Architecture",
    "ProgramSpace",
    "Space",
    "get_space",
    "space_names",
]
