"""The importance of choices against what is known of made-up numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tegnas.analysis.importance import choice_importance
from tegnas.errors import InputError

SIZES = (2, 3, 4)
CODES = np.array(list(itertools.product(*map(range, SIZES))))


def test_a_choice_that_decides_alone_has_all_of_the_variance() -> None:
    shares = choice_importance(CODES, SIZES, CODES[:, 1].astype(float))
    assert [each.share for each in shares] == [0, pytest.approx(1), 0]
    assert shares[1].positions.tolist() == sorted(shares[1].positions)
    assert shares[1].counts.tolist() == [8, 8, 8]


def test_shares_are_sobol_indices_of_ranks_on_a_product() -> None:
    sizes = (20, 30)
    codes = np.array(list(itertools.product(*map(range, sizes))))
    # Ranks are 30 a + b, so that the variances are those of a and b alone, and all there is.
    cost = 30.0 * codes[:, 0] + codes[:, 1]
    first, second = choice_importance(codes, sizes, cost)
    parts = np.array([30**2 * (20**2 - 1), 30**2 - 1]) / (600**2 - 1)
    assert first.share == pytest.approx(parts[0], abs=2e-3)
    assert second.share < 0.01 and parts.sum() == pytest.approx(1)


def test_options_without_an_effect_have_no_share_on_average() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 8, (60, 200))
    shares = [each.share for each in choice_importance(codes, [8] * 200, rng.normal(size=60))]
    # Without the correction it would be (8 − 1)/(60 − 1), some 12 %.
    assert np.mean(shares) < 0.04


def test_failures_are_worst_and_options_that_nobody_takes_are_unknown() -> None:
    codes = np.array([[0], [0], [2], [2]])
    (found,) = choice_importance(codes, [3], np.array([1.0, 2.0, np.inf, np.inf]))
    assert found.positions[2] > found.positions[0] and np.isnan(found.positions[1])
    assert found.counts.tolist() == [2, 0, 2]


def test_nothing_differs_or_too_little_is_known() -> None:
    (found,) = choice_importance(np.array([[0], [1], [1]]), [2], np.ones(3))
    assert found.share == 0
    with pytest.raises(InputError, match="3 architectures"):
        choice_importance(CODES[:2], SIZES, np.ones(2))
