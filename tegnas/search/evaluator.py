"""Scores what a strategy asks for: from the store where it is known, else by the executor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from tegnas.scoring.scores import Scores
from tegnas.search.evaluation import Evaluation
from tegnas.search.executors import Executor
from tegnas.search.store import ScoreStore
from tegnas.spaces import Architecture


class Evaluator:
    """Everything computed is in the store before it is used.

    Args:
        store: of this run.
        executor: computes what the store lacks.
        shared: a store of several runs: what it knows is taken over, what is computed is added.
        represent: which architecture is scored in place of another; by default itself.
    """

    def __init__(
        self,
        store: ScoreStore,
        executor: Executor,
        shared: ScoreStore | None = None,
        represent: Callable[[Architecture], Architecture] = lambda arch: arch,
    ) -> None:
        self._store = store
        self._executor = executor
        self._shared = shared
        self._represent = represent
        self._last = time.perf_counter()

    def __call__(
        self,
        archs: Sequence[Architecture],
        report: Callable[[int, int], None],
        networks: int | None = None,
    ) -> list[Evaluation]:
        """Evaluations of the architectures, in order.

        ``report`` is called after every write with how many of them are known and how many were
        computed for this write. ``networks``: by the first so many small networks alone, as a race
        asks for; None for all.
        """
        scored = [self._represent(arch) for arch in archs]
        found = {arch: self._store.get(arch, networks) for arch in scored}
        missing = [arch for arch, evaluation in found.items() if evaluation is None]
        if self._shared is not None:
            self._store.copy(missing, self._shared, networks)
            found |= {arch: self._store.get(arch, networks) for arch in missing}
            missing = [arch for arch in missing if found[arch] is None]
        self._lap()
        for first, group in self._by_held(missing).items():
            for scores in self._compute(group, first, networks):
                self._add(scores, first)
                for arch in scores.archs:
                    found[arch] = self._store.get(arch, networks)
                report(sum(found[own] is not None for own in scored), len(scores))
        for arch, own in zip(archs, scored, strict=True):
            if arch not in found:
                self._store.share(own, arch)
                found[arch] = self._store.get(arch, networks)
        return [cast(Evaluation, found[arch]) for arch in archs]

    def _by_held(self, missing: Sequence[Architecture]) -> dict[int, list[Architecture]]:
        """The architectures by how many of their networks are known: none, but in a race."""
        groups: dict[int, list[Architecture]] = {}
        for arch in missing:
            groups.setdefault(self._store.held(arch), []).append(arch)
        return groups

    def _compute(
        self, archs: Sequence[Architecture], first: int, networks: int | None
    ) -> Iterator[Scores]:
        """Scores of the networks from ``first`` on."""
        if first == 0 and networks is None:
            return self._executor.run(archs)
        return self._executor.run(archs, range(first, networks or self._store.settings.repeats))

    def _add(self, scores: Scores, first: int) -> None:
        seconds = self._lap()
        self._store.add(scores, seconds, first)
        if self._shared is None:
            return
        if self._store.settings.race:  # it may know more networks of them by now
            self._shared.copy(scores.archs, self._store)
        else:
            self._shared.add(scores, seconds)

    def _lap(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before
