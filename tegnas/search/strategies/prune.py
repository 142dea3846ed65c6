"""Pruning a supernet to a single path (TE-NAS: Chen et al., ICLR 2021, arXiv 2102.11535)."""

from __future__ import annotations

from tegnas.errors import InputError
from tegnas.search.evaluation import rank_sums
from tegnas.search.strategies.planned import Plan, Planned
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import Removal, Supernet, SupernetSpace

# Operations dropped from every edge in one round: TE-NAS's own.
_DROPS = {"nas-bench-201": 1, "darts": 3}


class Prune(Planned):
    """In every round, score each removal and drop the least important from every edge.

    The least important removal is the one of lowest rank-sum of the changes in κ, R and MSE,
    ranked among all removals of the round: after it κ and MSE are lowest and R is highest. (TE-NAS
    ranks κ and R; TEG-NAS, arXiv 2108.11939, adds MSE. All changes of a round are against the same
    supernet, so ranking the scores after removal ranks the changes.) ``drop`` operations go at a
    time, 1 by default and 3 on DARTS, as published; ``none`` is left out from the start. The seed
    changes nothing.

    Supernets are scored like architectures and count against the budget; the single path at the
    end is scored as the last one and is the answer.
    """

    name = "prune"

    def __init__(self, space: Space, seed: int, *, drop: int | None = None) -> None:
        if getattr(space, "admits", None) is not None:
            raise InputError(
                "prune can't keep constraints, since only its last step is an architecture; use "
                "another strategy"
            )
        if not isinstance(space, SupernetSpace):
            raise InputError(
                "prune needs a supernet, in which the operations of a choice run side by side, and "
                f"{space.name} has none; choose another strategy"
            )
        drop = _DROPS.get(space.name, 1) if drop is None else drop
        if drop < 1:
            raise InputError(f"prune must drop at least 1 operation per round, got {drop}")
        self._space = space
        self._drop = drop
        self._found: Architecture | None = None
        self.default_budget = self.minimum_budget = self._count_evaluations()
        super().__init__(self._rounds())

    def options(self) -> dict[str, object]:
        """How many operations go in one round."""
        return {"drop": self._drop}

    def recommendation(self) -> Architecture | None:
        """The single path, once it is reached."""
        return self._found

    def _rounds(self) -> Plan:
        supernet = self._space.supernet()
        while groups := self._space.removals(supernet):
            removals = [each for group in groups for each in group.removals]
            evaluations = yield [supernet.without([each]) for each in removals]
            ranks = dict(zip(removals, rank_sums(evaluations), strict=True))
            supernet = self._next(supernet, ranks)
        self._found = self._space.single_path(supernet)
        yield [self._found]

    def _next(self, supernet: Supernet, ranks: dict[Removal, float]) -> Supernet:
        dropped: list[Removal] = []
        for group in self._space.removals(supernet):
            count = min(self._drop, len(group.removals) - group.keep)
            dropped += sorted(group.removals, key=ranks.__getitem__)[:count]
        return supernet.without(dropped)

    def _count_evaluations(self) -> int:
        """The number doesn't depend on the scores, so any scores will do to find it."""
        supernet, count = self._space.supernet(), 1
        while groups := self._space.removals(supernet):
            ranks = {each: 0.0 for group in groups for each in group.removals}
            count += len(ranks)
            supernet = self._next(supernet, ranks)
        return count
