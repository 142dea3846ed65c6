"""Regularised (aging) evolution (Real et al., AAAI 2019, arXiv 1802.01548)."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

import numpy as np

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation, rank_scores
from tegnas.search.strategies.drawing import require_mutations
from tegnas.spaces import Architecture, Space


class Evolution:
    """The best of a tournament is mutated; the oldest of the population dies.

    The best is the one of lowest rank-sum of κ, R and MSE within the tournament, as in TEG-NAS
    (arXiv 2108.11939). The defaults are the paper's: population 256, tournament 64.
    """

    name = "evolution"
    default_budget = 1000

    def __init__(
        self, space: Space, seed: int, *, population: int = 256, tournament: int = 64
    ) -> None:
        if population < 2 or not 1 <= tournament <= population:
            raise InputError(
                "evolution needs a population of at least 2 and a tournament between 1 and the "
                f"population, got population={population}, tournament={tournament}"
            )
        require_mutations(space, self.name)
        self._space = space
        self._rng = random.Random(seed)
        self._size = population
        self._tournament = tournament
        self._population: deque[Evaluation] = deque(maxlen=population)
        self._founded = 0
        self._children = 0

    def options(self) -> dict[str, object]:
        """Sizes of population and tournament."""
        return {"population": self._size, "tournament": self._tournament}

    def ask(self, limit: int) -> list[Architecture]:
        """First the random founders, then one child at a time."""
        founders = min(limit, self._size - self._founded)
        if founders > 0:
            self._founded += founders
            return [self._space.sample(self._rng) for _ in range(founders)]
        self._children += 1
        contestants = self._rng.sample(list(self._population), self._tournament)
        parent = contestants[int(np.argmin(rank_scores(contestants)))]
        return [self._space.mutate(parent.arch, self._rng)]

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Newcomers push out the oldest."""
        self._population.extend(evaluations)

    def notes(self) -> tuple[str, ...]:
        """That nothing evolved, where the search ended among the founders."""
        if self._children or not self._population:
            return ()
        return (
            f"nothing evolved, all {len(self._population)} evaluations are random: evolution "
            f"begins when its population of {self._size} is full, so give a larger budget or a "
            "smaller population (--option population=25 --option tournament=6)",
        )
