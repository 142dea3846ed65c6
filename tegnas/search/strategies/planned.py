"""Strategies written as a plan: a generator that yields architectures and gets their scores."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture

Plan = Generator[list[Architecture], list[Evaluation], None]


class Planned:
    """Turns a plan into ask and tell, whatever the limits of the questions."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._waiting: list[Architecture] | None = None
        self._told: list[Evaluation] = []

    def ask(self, limit: int) -> list[Architecture]:
        """What the plan wants scored next; none once it has ended."""
        if self._waiting is None:
            self._waiting = next(self._plan, [])
        return self._waiting[:limit]

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Goes on with the plan once all it wanted is there."""
        self._told.extend(evaluations)
        self._waiting = self._waiting[len(evaluations) :] if self._waiting else []
        if self._waiting or not self._told:
            return
        told, self._told = self._told, []
        try:
            self._waiting = self._plan.send(told)
        except StopIteration:
            self._waiting = []
