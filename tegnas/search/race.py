"""A race: networks of an architecture are computed only while it keeps up with the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tegnas.scoring.race import better_half, halvings
from tegnas.scoring.ranking import rank_score
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.evaluation import Evaluation
from tegnas.search.evaluator import Evaluator
from tegnas.spaces import Architecture


class Race:
    """Evaluates as an ``Evaluator`` does, and stops architectures that lie behind.

    After 1, 2, 4, … networks, as often as the settings say, an architecture goes on if it is in the
    better half of all that have got so far, those asked for together with it included. What is
    decided follows from what was asked for in which order and from stored values alone, so that
    neither the number of workers nor a kill changes it.

    Args:
        evaluate: computes scores of some or all networks.
        settings: how to score.
    """

    def __init__(self, evaluate: Evaluator, settings: ScoreSettings) -> None:
        self._evaluate = evaluate
        self._known: dict[Architecture, Evaluation] = {}
        counts = halvings(settings.repeats, settings.race)
        self._fields = {count: _Field(settings) for count in counts}

    def __call__(
        self, archs: Sequence[Architecture], report: Callable[[int, int], None]
    ) -> list[Evaluation]:
        """Evaluations of the architectures, in order; those it stopped say so.

        ``report`` is called as an ``Evaluator`` calls it, for the first network of each.
        """
        going = [arch for arch in dict.fromkeys(archs) if arch not in self._known]
        for count, field in self._fields.items():
            field.add(self._compute(going, count, report))
            better, report = field.better(), _nobody
            going = [arch for arch in going if arch in better]
        self._compute(going, None, report)
        return [self._known[arch] for arch in archs]

    def finish(
        self, history: Sequence[Evaluation], answer: Architecture | None = None
    ) -> list[Evaluation]:
        """The history, once those that the whole of it would not have stopped have gone on.

        Early decisions are made among few. ``answer``, the strategy's own, gets all its networks.
        """
        counts = [*self._fields, None]
        for (count, field), further in zip(self._fields.items(), counts[1:], strict=True):
            stopped = [arch for arch in field.better() if self._known[arch].stopped_after == count]
            found = self._compute(stopped, further, _nobody)
            if further is not None:
                self._fields[further].add(found)
        if answer in self._known:
            self._compute([answer], None, _nobody)
        return [self._known[each.arch] for each in history]

    def _compute(
        self,
        archs: Sequence[Architecture],
        networks: int | None,
        report: Callable[[int, int], None],
    ) -> list[Evaluation]:
        found = self._evaluate(archs, report, networks) if archs else []
        self._known |= {each.arch: each for each in found}
        return found


class _Field:
    """All that have got as far as some number of networks, with their values of these."""

    def __init__(self, settings: ScoreSettings) -> None:
        self._settings = settings
        self._archs: list[Architecture] = []
        self._values = np.zeros((0, len(settings.indicators)))

    def add(self, evaluations: Sequence[Evaluation]) -> None:
        """Newcomers."""
        self._archs += [each.arch for each in evaluations]
        rows = np.array([each.values for each in evaluations])
        self._values = np.concatenate([self._values, rows.reshape(-1, self._values.shape[1])])

    def better(self) -> dict[Architecture, None]:
        """The better half, in the order in which they came."""
        settings = self._settings
        scores = rank_score(settings.indicators, list(self._values.T), settings.combination)
        return {self._archs[row]: None for row in np.flatnonzero(better_half(scores))}


def _nobody(known: int, computed: int) -> None:
    """Where there is nothing new to report."""
