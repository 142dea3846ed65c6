"""The one interface of all executors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tegnas.errors import InputError
from tegnas.scoring.scores import Scores
from tegnas.spaces import Architecture

# How often a batch may take a worker down before the search stops.
MAX_ATTEMPTS = 3


class Executor(Protocol):
    """Scores architectures somewhere. The scores depend neither on where nor on how many workers.

    ``close`` ends what was started; a closed executor isn't used again.
    """

    def run(self, archs: Sequence[Architecture], networks: range | None = None) -> Iterator[Scores]:
        """Scores of parts of ``archs`` as they are ready, in any order.

        ``networks``: which of the small networks, see ``Scorer.in_chunks``; None for all.
        """

    def close(self) -> None:
        """Stop the workers."""


class DiedAgainError(Exception):
    """Workers died again and again over the item of this index."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class WorkerDiedError(InputError):
    """Workers died again and again over the same architectures."""

    def __init__(self, archs: Sequence[object]) -> None:
        super().__init__(
            f"a worker died {MAX_ATTEMPTS} times while scoring the same {len(archs)} "
            f"architectures, first {archs[0]}; what was scored before is kept: try fewer --workers "
            "if memory is short, or --executor in-process to see the cause"
        )


def split(archs: Sequence[Architecture], largest: int, workers: int) -> list[list[Architecture]]:
    """Batches of at most ``largest``, small enough to give every worker one."""
    size = max(1, min(largest, -(-len(archs) // workers)))
    return [list(archs[first : first + size]) for first in range(0, len(archs), size)]
