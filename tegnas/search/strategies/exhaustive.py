"""Exhaustive search: every architecture of a small space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture, Space


class Exhaustive:
    """All architectures in the order of the space."""

    name = "exhaustive"
    batch = 64

    def __init__(self, space: Space, seed: int) -> None:
        self._remaining = iter(space)
        self.default_budget = len(space)

    def options(self) -> dict[str, object]:
        """Nothing to set."""
        return {}

    def ask(self, limit: int) -> list[Architecture]:
        """The next architectures of the space."""
        return list(islice(self._remaining, min(limit, self.batch)))

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Exhaustive search learns nothing."""
