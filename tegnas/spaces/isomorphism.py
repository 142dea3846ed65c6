"""Architectures of one function: who stands for the class of isomorphism, and live parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from tegnas.errors import InputError
from tegnas.spaces.base import Architecture, Space


@runtime_checkable
class IsomorphicSpace(Space, Protocol):
    """A space that knows which of its architectures are the same network written differently."""

    def representative(self, arch: Architecture) -> Architecture:
        """The one of its class that always stands for it: the same for isomorphic architectures.

        A supernet stands for itself.
        """


def representatives(space: Space) -> Callable[[Architecture], Architecture]:
    """The function from an architecture to the representative of its class.

    Raises ``InputError`` if the space has none.
    """
    if not isinstance(space, IsomorphicSpace):
        raise InputError(
            f"{space.name} has no canonical form of its architectures, by which isomorphic ones "
            "could share a score; leave share_isomorphic out"
        )
    return space.representative


@runtime_checkable
class LivePartSpace(Space, Protocol):
    """A space that knows the live part of an architecture: what its logits depend on.

    Optional, for speed: architectures that differ in such parts alone have the same kernels to
    the last bit, since a weight depends on nothing but seed, name and shape.
    """

    def live(self, arch: Architecture) -> Architecture:
        """The architecture without the parts on which its logits do not depend."""
