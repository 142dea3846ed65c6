"""Kendall's τ-b of costs with accuracy, its bootstrap interval, and that of differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.ranking.combine import ranks
from tegnas.scoring.ranking import kendall_tau

RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval over architectures."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Judge:
    """Compares costs (lower is better) with one accuracy, always on the same resamples.

    Args:
        accuracy: (A,).
        resamples: of the bootstrap.
        seed: of the resamples.
        level: of the intervals, in percent.
        groups: (A,), architectures that are drawn together; by default each by itself.
    """

    def __init__(
        self,
        accuracy: np.ndarray,
        resamples: int = RESAMPLES,
        seed: int = 0,
        *,
        level: float = 95.0,
        groups: np.ndarray | None = None,
    ) -> None:
        self._accuracy = accuracy
        self._level = level
        rng = np.random.default_rng(seed)
        members = _members(np.arange(len(accuracy)) if groups is None else groups)
        count = len(members)
        self._draws = [
            np.concatenate([members[group] for group in rng.integers(count, size=count)])
            for _ in range(resamples)
        ]

    def tau(self, cost: np.ndarray) -> float:
        """Kendall's τ-b; failures are worst and tie."""
        return kendall_tau(-ranks(cost), self._accuracy)

    def interval(self, cost: np.ndarray) -> Interval:
        """τ with its interval."""
        return self._interval(self.tau(cost), self._resampled(cost))

    def difference(self, cost: np.ndarray, other: np.ndarray) -> Interval:
        """τ of the first minus τ of the second, paired: both on the same resamples."""
        values = self._resampled(cost) - self._resampled(other)
        return self._interval(self.tau(cost) - self.tau(other), values)

    def _resampled(self, cost: np.ndarray) -> np.ndarray:
        order = -ranks(cost)
        return np.array([kendall_tau(order[draw], self._accuracy[draw]) for draw in self._draws])

    def _interval(self, value: float, values: np.ndarray) -> Interval:
        tail = (100 - self._level) / 2
        low, high = np.percentile(values, [tail, 100 - tail])
        return Interval(value, float(low), float(high))


def _members(groups: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
