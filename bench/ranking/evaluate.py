"""Kendall's τ-b of costs with accuracy, its bootstrap interval, and that of differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.ranking.combine import ranks
from tegnas.indicators.ranking import kendall_tau

RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % bootstrap interval over architectures."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Judge:
    """Compares costs (lower is better) with one accuracy, always on the same resamples."""

    def __init__(self, accuracy: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> None:
        self._accuracy = accuracy
        rng = np.random.default_rng(seed)
        count = len(accuracy)
        self._draws = [rng.integers(count, size=count) for _ in range(resamples)]

    def tau(self, cost: np.ndarray) -> float:
        """Kendall's τ-b; failures are worst and tie."""
        return kendall_tau(-ranks(cost), self._accuracy)

    def interval(self, cost: np.ndarray) -> Interval:
        """τ with its interval."""
        return _interval(self.tau(cost), self._resampled(cost))

    def difference(self, cost: np.ndarray, other: np.ndarray) -> Interval:
        """τ of the first minus τ of the second, paired: both on the same resamples."""
        values = self._resampled(cost) - self._resampled(other)
        return _interval(self.tau(cost) - self.tau(other), values)

    def _resampled(self, cost: np.ndarray) -> np.ndarray:
        order = -ranks(cost)
        return np.array([kendall_tau(order[draw], self._accuracy[draw]) for draw in self._draws])


def _interval(value: float, values: np.ndarray) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(value, float(low), float(high))
