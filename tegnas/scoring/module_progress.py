"""How far the score of a large network is, and how long it will take."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

KERNELS, REGIONS = "kernels", "regions"

# Seconds above which a score that nobody watches says how long it will take.
LONG = 60


class LongScoreWarning(UserWarning):
    """A score will take long; says how long, how to watch it and how to stop it."""


@dataclass(frozen=True)
class ScoreProgress:
    """How far the score of one network is.

    Attributes:
        part: what is being computed: ``"kernels"`` or ``"regions"``.
        done, total: images or inputs of that part.
        seconds: since the start.
        remaining: seconds that the rest will take, estimated from two images at first, from what
            is done later.
    """

    part: str
    done: int
    total: int
    seconds: float
    remaining: float


ProgressCallback = Callable[[ScoreProgress], None]


class ProgressMeter:
    """Tells a callback how far a score is.

    Args:
        report: takes each ``ScoreProgress``; what it raises stops the score. Without it, a score
            that will take long warns once, at the start.
        totals: images or inputs of each part, in the order of the parts.
        seconds: estimated for each part.
    """

    def __init__(
        self, report: ProgressCallback | None, totals: dict[str, int], seconds: dict[str, float]
    ) -> None:
        self._report = report
        self._totals = totals
        self._estimates = dict(seconds)
        self._started = self._part_started = time.perf_counter()

    def start(self, part: str, *, stacklevel: int = 1) -> None:
        """Begin a part."""
        self._part_started = time.perf_counter()
        total = sum(self._estimates.values())
        if self._report is None and part == next(iter(self._totals)) and total > LONG:
            parts = ", ".join(f"{key} {_text(each)}" for key, each in self._estimates.items())
            warnings.warn(
                f"this score will take about {_text(total)} ({parts}): progress= takes a function "
                "that is told how far it is, Ctrl-C stops it",
                LongScoreWarning,
                stacklevel=stacklevel + 1,
            )
        self.advance(part, 0)

    def finish(self, part: str) -> None:
        """Tell that all of a part is done."""
        self.advance(part, self._totals[part])

    def advance(self, part: str, done: int) -> None:
        """Tell that so many images or inputs of a part are done."""
        now = time.perf_counter()
        total = self._totals[part]
        rest = self._estimates[part] * (1 - done / total)
        if done:
            rest = (now - self._part_started) / done * (total - done)
        names = list(self._totals)
        later = sum(self._estimates[each] for each in names[names.index(part) + 1 :])
        if self._report is not None:
            self._report(ScoreProgress(part, done, total, now - self._started, rest + later))


def _text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
