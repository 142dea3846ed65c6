"""Scores by a pool of workers, wherever these are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.executors.base import DiedAgainError, WorkerDiedError, split
from tegnas.search.executors.work import BATCH, scores_of
from tegnas.spaces import Architecture


class Pool(Protocol):
    """Workers that each take one item at a time: ``ProcessPool``, ``RayPool``."""

    def run(self, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The index of an item and its answer, as they come back."""

    def close(self) -> None:
        """End what was started."""


class PooledExecutor:
    """Batches of architectures as items of a pool.

    Args:
        pool: of ``score_batch``, with the task that ``pack_task`` made.
        settings: those that the task holds.
        workers: how many there are in the pool.
    """

    def __init__(self, pool: Pool, settings: ScoreSettings, workers: int) -> None:
        self._pool = pool
        self._settings = settings
        self._workers = workers

    def run(self, archs: Sequence[Architecture], networks: range | None = None) -> Iterator[Scores]:
        """Scores batch by batch, as they come back."""
        batches = split(archs, BATCH, self._workers)
        items = [(list(map(str, each)), networks) for each in batches]
        try:
            for index, (_, table) in self._pool.run(items):
                yield scores_of(batches[index], self._settings, table)
        except DiedAgainError as error:
            raise WorkerDiedError(batches[error.index]) from None

    def close(self) -> None:
        """End the processes, or leave the cluster."""
        self._pool.close()
