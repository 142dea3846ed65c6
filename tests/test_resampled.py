"""Rank correlations of resamples, against SciPy on each of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from tegnas.analysis.resampled import Pairs


@pytest.mark.parametrize("ties", [2, 5, 1000])
def test_they_are_those_of_scipy_on_each_resample(ties):
    rng = np.random.default_rng(ties)
    x, y = rng.integers(ties, size=30).astype(float), rng.integers(ties, size=30).astype(float)
    x[:2] = np.inf  # ranks come from scores of which some fail; they tie
    x = np.unique(x, return_inverse=True)[1].astype(float)
    draws = rng.integers(30, size=(20, 30))
    counts = np.stack([np.bincount(each, minlength=30) for each in draws]).astype(float)
    pairs = Pairs.of(x, y)
    np.testing.assert_allclose(
        pairs.taus(counts), [kendalltau(x[each], y[each]).statistic for each in draws], atol=1e-12
    )
    np.testing.assert_allclose(
        pairs.rhos(counts), [spearmanr(x[each], y[each]).statistic for each in draws], atol=1e-12
    )


def test_a_resample_of_one_element_has_none():
    pairs = Pairs.of(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    counts = np.array([[2.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(pairs.taus(counts), [np.nan, 1])
    np.testing.assert_allclose(pairs.rhos(counts), [np.nan, 1])
