"""What a store of scores calls a space: its name, with what its scores depend on besides."""

from __future__ import annotations

import re

from tegnas.spaces.base import DEEP, DeepSpace, Space
from tegnas.spaces.small_size import SmallSize

_BESIDES = re.compile(r"( [0-9a-f]{64})?( deep \S+ thin \S+)?$")


def stored_name(space: Space, small_networks: str) -> str:
    """The name of the space; with its contents, where they are a file that may change.

    And with the sizes of its deep small networks, where ``small_networks`` are these.
    """
    parts = [space.name]
    fingerprint = getattr(space, "fingerprint", None)
    if fingerprint is not None:
        parts.append(fingerprint)
    deep, thin = getattr(space, "deep", None), getattr(space, "deep_thin", None)
    uses_them = small_networks == DEEP and isinstance(space, DeepSpace)
    if uses_them and isinstance(deep, SmallSize) and isinstance(thin, SmallSize):
        parts.append(f"deep {deep.channels}×{deep.depth} thin {thin.channels}×{thin.depth}")
    return " ".join(parts)


def name_of(stored: str) -> str:
    """The name of the space alone."""
    return _BESIDES.sub("", stored)
