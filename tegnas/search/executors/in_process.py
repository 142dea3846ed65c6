"""Scores in this process; the native engine uses its threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tegnas.data import Batch
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space


class InProcessExecutor:
    """One chunk of the engine after the other; a GPU begins the next before one is waited for."""

    def __init__(
        self, space: Space, batch: Batch, settings: ScoreSettings, seeds: Sequence[int]
    ) -> None:
        self._scorer = Scorer(space, batch, settings, seeds)

    def run(self, archs: Sequence[Architecture], networks: range | None = None) -> Iterator[Scores]:
        """Scores chunk by chunk, in order."""
        yield from self._scorer.in_chunks(archs, networks)

    def close(self) -> None:
        """Nothing was started."""
