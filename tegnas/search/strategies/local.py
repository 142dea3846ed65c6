"""Local search: hill climbing with restarts (White et al., UAI 2021, arXiv 2005.02960)."""

from __future__ import annotations

import random
from collections.abc import Generator
from itertools import filterfalse

import numpy as np

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation, rank_scores
from tegnas.search.strategies.drawing import is_admitted, require_mutations, unlimited
from tegnas.search.strategies.planned import Plan, Planned
from tegnas.spaces import Architecture, Space

IMPROVEMENTS = ("best", "first")

# A part of the plan that ends with a better architecture, or none.
_Step = Generator[list[Architecture], list[Evaluation], Architecture | None]


class LocalSearch(Planned):
    """From a random start, move to a better neighbour until there is none; then start again.

    ``improvement="first"`` (default): neighbours are scored in random order and the first that
    beats the current architecture is taken. ``"best"``: all neighbours are scored, many at a time,
    and the best is taken; where there are hundreds, as on DARTS, a step then costs as much as a
    whole climb does by the first. Both are published.

    Better means a lower rank-sum of κ, R and MSE among all that this step has scored around the
    current architecture. Such ranks depend on the set, so a climb also ends when it would return
    to where it was before. What was scored in an earlier climb isn't asked for again.
    """

    name = "local"
    default_budget = 1000

    def __init__(self, space: Space, seed: int, *, improvement: str = "first") -> None:
        if improvement not in IMPROVEMENTS:
            raise InputError(
                f"improvement must be one of {', '.join(IMPROVEMENTS)}, got {improvement!r}"
            )
        require_mutations(space, self.name)
        self._space = space
        self._rng = random.Random(seed)
        self._improvement = improvement
        self._known: dict[Architecture, Evaluation] = {}
        super().__init__(self._climbs())

    def options(self) -> dict[str, object]:
        """Which improvement is taken."""
        return {"improvement": self._improvement}

    def _climbs(self) -> Plan:
        step = self._best_neighbour if self._improvement == "best" else self._first_neighbour
        while True:
            current = self._space.sample(self._rng)
            if current in self._known:
                # The climb from here is known, unless everything is.
                current = self._unknown_start(current)
                if current is None:
                    return
            yield from self._score([current])
            visited = {current}
            while (better := (yield from step(current))) is not None and better not in visited:
                visited.add(better)
                current = better

    def _unknown_start(self, start: Architecture) -> Architecture | None:
        """An architecture that isn't known yet, near one that is; none if all are."""
        seen, frontier = {start}, [start]
        while frontier:
            reached = []
            for arch in frontier:
                for neighbour in self._space.neighbours(arch):
                    if neighbour not in self._known:
                        return neighbour
                    if neighbour not in seen:
                        seen.add(neighbour)
                        reached.append(neighbour)
            frontier = reached
        return None

    def _best_neighbour(self, current: Architecture) -> _Step:
        neighbours = list(self._space.neighbours(current))
        yield from self._score(neighbours)
        ranks = rank_scores([self._known[arch] for arch in (current, *neighbours)])
        best = int(np.argmin(ranks))
        return neighbours[best - 1] if ranks[best] < ranks[0] else None

    def _first_neighbour(self, current: Architecture) -> _Step:
        # Limits are checked one by one: to know a cost may take longer than a score.
        neighbours = list(unlimited(self._space).neighbours(current))
        self._rng.shuffle(neighbours)
        around = [self._known[current]]
        for arch in filter(lambda arch: is_admitted(self._space, arch), neighbours):
            yield from self._score([arch])
            around.append(self._known[arch])
            ranks = rank_scores(around)
            if ranks[-1] < ranks[0]:
                return arch
        return None

    def _score(self, archs: list[Architecture]) -> Plan:
        missing = list(filterfalse(self._known.__contains__, archs))
        if missing:
            for evaluation in (yield missing):
                self._known[evaluation.arch] = evaluation
