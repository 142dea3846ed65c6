"""Rank correlations of many resamples of one set at once.

A resample of the bootstrap is told by how often it holds each element, and both τ and ρ are sums
over pairs of elements. So the pairs are compared once, and all resamples are products of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Pairs:
    """Two rows of numbers, compared element by element.

    Attributes:
        x, y: the sign of x_i − x_j, float64 (A, A); the same of the other row.
    """

    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> Pairs:
        """Compare all pairs of each row."""
        return cls(np.sign(x[:, None] - x[None, :]), np.sign(y[:, None] - y[None, :]))

    def taus(self, counts: np.ndarray) -> np.ndarray:
        """Kendall's τ-b of each resample, (B,); nan where one of its rows is constant.

        Args:
            counts: how often each resample holds each element, float64 (B, A).
        """
        agreeing = _over_pairs(counts, self.x * self.y)
        untied = _over_pairs(counts, np.abs(self.x)) * _over_pairs(counts, np.abs(self.y))
        return _ratio(agreeing, untied)

    def rhos(self, counts: np.ndarray) -> np.ndarray:
        """Spearman's ρ of each resample, as ``taus``."""
        # An element's rank counts those below it, and half of those equal to it; less the mean
        # rank, that is half the sum of its signs.
        x, y = counts @ self.x.T, counts @ self.y.T
        spread = (counts * x * x).sum(1) * (counts * y * y).sum(1)
        return _ratio((counts * x * y).sum(1), spread)


def _over_pairs(counts: np.ndarray, table: np.ndarray) -> np.ndarray:
    return ((counts @ table) * counts).sum(1)


def _ratio(sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    result = np.full(len(sums), np.nan)
    defined = squares > 0
    result[defined] = sums[defined] / np.sqrt(squares[defined])
    return result
