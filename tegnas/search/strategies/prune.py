"""Pruning a supernet to a single path (TE-NAS: Chen et al., ICLR 2021, arXiv 2102.11535)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation, rank_scores
from tegnas.search.strategies.planned import Plan, Planned
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import strategy_default
from tegnas.spaces.factorised import Removal, Supernet, SupernetSpace

CHANGES = ("mean", "relative")


class Prune(Planned):
    """In every round, score each removal and drop the least important from every edge.

    The least important removal is the one of lowest rank score by the changes in the indicators,
    ranked among all removals of the round: those with better values after it. (TE-NAS ranks κ and
    R; TEG-NAS, arXiv 2108.11939, adds MSE.) ``drop`` operations go at a time, 1 by default and 3 on
    DARTS, as published for CIFAR-10; ``none`` is left out from the start. The seed changes nothing.

    ``change="mean"`` (default): of the mean over the random networks; all changes of a round are
    against the same supernet, so ranking the scores after removal ranks them. ``"relative"``: the
    mean over the networks of the changes relative to the supernet in the same network, as in the
    code released with TE-NAS. It costs a score of the supernet per round, and its finds are worse
    (docs/studies/searches.md): one network whose κ is small weighs as much as one whose κ is large.

    Supernets are scored like architectures and count against the budget; the single path at the
    end is scored as the last one and is the answer.
    """

    name = "prune"
    races = False

    def __init__(
        self, space: Space, seed: int, *, drop: int | None = None, change: str = "mean"
    ) -> None:
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
        drop = strategy_default(space, self.name, "drop", 1) if drop is None else drop
        if drop < 1:
            raise InputError(f"prune must drop at least 1 operation per round, got {drop}")
        if change not in CHANGES:
            raise InputError(f"change of prune must be one of {', '.join(CHANGES)}, got {change!r}")
        self._space = space
        self._drop = drop
        self._relative = change == "relative"
        self._found: Architecture | None = None
        self.default_budget = self.minimum_budget = self._count_evaluations()
        super().__init__(self._rounds())

    def options(self) -> dict[str, object]:
        """How many operations go in one round, and which change ranks them."""
        return {"drop": self._drop, "change": "relative" if self._relative else "mean"}

    def recommendation(self) -> Architecture | None:
        """The single path, once it is reached."""
        return self._found

    def _rounds(self) -> Plan:
        supernet = self._space.supernet()
        while groups := self._space.removals(supernet):
            removals = [each for group in groups for each in group.removals]
            supernets = [supernet.without([each]) for each in removals]
            if self._relative:
                before, *after = yield [supernet, *supernets]
                changes = [relative_change(before, each) for each in after]
            else:
                changes = yield supernets
            supernet = self._next(supernet, dict(zip(removals, rank_scores(changes), strict=True)))
        self._found = self._space.single_path(supernet)
        yield [self._found]

    def _next(self, supernet: Supernet, ranks: dict[Removal, float]) -> Supernet:
        dropped: list[Removal] = []
        for group in self._space.removals(supernet):
            most = len(group.removals) - group.keep
            count = most if group.at_once else min(self._drop, most)
            dropped += sorted(group.removals, key=ranks.__getitem__)[:count]
        return supernet.without(dropped)

    def _count_evaluations(self) -> int:
        """The number doesn't depend on the scores, so any scores will do to find it."""
        supernet, count = self._space.supernet(), 1
        while groups := self._space.removals(supernet):
            ranks = {each: 0.0 for group in groups for each in group.removals}
            count += len(ranks) + self._relative
            supernet = self._next(supernet, ranks)
        return count


def relative_change(before: Evaluation, after: Evaluation) -> Evaluation:
    """The indicators as shares by which they change, each the mean over the random networks.

    What stays a failure is infinitely worse; what stops to be one improves by all of itself.
    """
    changes = []
    for each, old, new in zip(
        after.settings.indicators, _networks(before), _networks(after), strict=True
    ):
        first, second = np.array(old), np.array(new)
        improved = each.cost(1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            change = np.where(np.isinf(first), -improved, (second - first) / first)
        changes.append(np.where(np.isinf(second), each.worst, change).mean().item())
    return replace(after, values=tuple(changes))


def _networks(evaluation: Evaluation) -> tuple[tuple[float, ...], ...]:
    return evaluation.networks or tuple((value,) for value in evaluation.values)
