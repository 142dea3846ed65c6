"""Random search: the baseline of every comparison."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture, Space


class RandomSearch:
    """Architectures drawn uniformly, each at most once."""

    name = "random"
    batch = 64

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._rng = random.Random(seed)
        self._seen: set[Architecture] = set()

    def options(self) -> dict[str, object]:
        """Nothing to set."""
        return {}

    def ask(self, limit: int) -> list[Architecture]:
        """Unseen architectures; none once the space is used up."""
        wanted = min(limit, self.batch, len(self._space) - len(self._seen))
        found: list[Architecture] = []
        while len(found) < wanted:
            arch = self._space.sample(self._rng)
            if arch not in self._seen:
                self._seen.add(arch)
                found.append(arch)
        return found

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Random search learns nothing."""
