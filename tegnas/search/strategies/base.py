"""The one interface of all search strategies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture


class Strategy(Protocol):
    """Proposes architectures and learns from their scores.

    A strategy is a deterministic function of its options, its seed and what it is told; so a
    search is resumed by running it again over the stored scores.

    Beyond what is listed here it may have ``recommendation()``, the architecture that it would
    answer by itself (the mode of a distribution, the end of a pruning), ``minimum_budget``, below
    which it ends on no architecture, ``notes()``, sentences on what a search didn't give it the
    evaluations to do, and ``races = False`` where what it asks for isn't to be
    compared with what it asked for before, so that no race can be run among it.
    """

    name: str
    default_budget: int

    def options(self) -> dict[str, object]:
        """The settings that change what is proposed, for the record of the run."""

    def ask(self, limit: int) -> list[Architecture]:
        """At most ``limit`` architectures to score next; none when there is nothing left."""

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """The scores of what was asked for last, in the same order."""
