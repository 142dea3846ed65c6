"""Random search: the baseline of every comparison."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture, Space

# Draws in a row of what was seen already, after which the space counts as used up. With
# constraints its size isn't known; without them the last of 15,625 take a tenth of this.
_REPEATS = 200_000


class RandomSearch:
    """Architectures drawn uniformly, each at most once."""

    name = "random"
    default_budget = 1000
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
        repeats = 0
        while len(found) < wanted and repeats < _REPEATS:
            arch = self._space.sample(self._rng)
            if arch in self._seen:
                repeats += 1
                continue
            self._seen.add(arch)
            found.append(arch)
            repeats = 0
        return found

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Random search learns nothing."""
