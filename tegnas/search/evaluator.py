"""Scores what a strategy asks for: from the store where it is known, else by the executor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
        self, archs: Sequence[Architecture], report: Callable[[int, int], None]
    ) -> list[Evaluation]:
        """Evaluations of the architectures, in order.

        ``report`` is called after every write with how many of them are known and how many were
        computed for this write.
        """
        scored = [self._represent(arch) for arch in archs]
        found = {arch: self._store.get(arch) for arch in scored}
        missing = [arch for arch, evaluation in found.items() if evaluation is None]
        if self._shared is not None:
            self._store.copy(missing, self._shared)
            found |= {arch: self._store.get(arch) for arch in missing}
            missing = [arch for arch in missing if found[arch] is None]
        if missing:
            self._lap()
            for scores in self._executor.run(missing):
                self._add(scores)
                for arch in scores.archs:
                    found[arch] = self._store.get(arch)
                report(sum(found[own] is not None for own in scored), len(scores))
        for arch, own in zip(archs, scored, strict=True):
            if arch not in found:
                self._store.share(own, arch)
                found[arch] = self._store.get(arch)
        return [cast(Evaluation, found[arch]) for arch in archs]

    def _add(self, scores: Scores) -> None:
        seconds = self._lap()
        self._store.add(scores, seconds)
        if self._shared is not None:
            self._shared.add(scores, seconds)

    def _lap(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before
