"""Scores what a strategy asks for: from the store where it is known, else by the executor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import cast

from tegnas.search.evaluation import Evaluation
from tegnas.search.executors import Executor
from tegnas.search.store import ScoreStore
from tegnas.spaces import Architecture


class Evaluator:
    """Everything computed is in the store before it is used.

    Args:
        store: of this run.
        executor: computes what the store lacks.
        report: called after every write with the numbers of architectures known and computed of
            the question at hand.
    """

    def __init__(
        self, store: ScoreStore, executor: Executor, report: Callable[[int, int], None]
    ) -> None:
        self._store = store
        self._executor = executor
        self._report = report
        self._last = time.perf_counter()

    def __call__(self, archs: Sequence[Architecture]) -> list[Evaluation]:
        """Evaluations of the architectures, in order."""
        found = {arch: self._store.get(arch) for arch in archs}
        missing = [arch for arch, evaluation in found.items() if evaluation is None]
        done = len(archs) - len(missing)
        if missing:
            for scores in self._executor.run(missing):
                self._store.add(scores, self._lap())
                done += len(scores)
                self._report(done, len(scores))
                for arch in scores.archs:
                    found[arch] = self._store.get(arch)
        return [cast(Evaluation, found[arch]) for arch in archs]

    def _lap(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before
