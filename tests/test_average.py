"""One number from those of several networks, against NumPy's slow functions for missing numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tegnas.scoring.average import averaged, averaged_rows

STATISTICS = {"mean": np.nanmean, "median": np.nanmedian}


def by_numpy(row: np.ndarray, average: str) -> float:
    """The same by its definition, one row at a time."""
    failed = np.isinf(row)
    if 2 * failed.sum() >= len(row):
        return row[failed].sum()
    return math.nan if np.isnan(row).any() else STATISTICS[average](row[~failed])


@pytest.mark.parametrize("average", STATISTICS)
@pytest.mark.parametrize("count", range(1, 8))
def test_failures_are_left_out_to_the_last_bit_as_numpy_does(average: str, count: int) -> None:
    rng = np.random.default_rng(count)
    networks = rng.normal(size=(200, count))
    networks[rng.random(networks.shape) < 0.2] = math.inf
    networks[rng.random(networks.shape) < 0.02] = math.nan
    expected = [by_numpy(row, average) for row in networks]
    np.testing.assert_array_equal(averaged(networks, average), expected)


def test_rows_of_several_lengths_are_averaged_one_by_one() -> None:
    rows = [(1.0, 5.0, 3.0), (2.0,), (math.inf, 1.0, 1.0)]
    assert averaged_rows(rows, "median") == [3.0, 2.0, 1.0]
    assert averaged_rows([row[:1] for row in rows]) == [1.0, 2.0, math.inf]
    assert averaged_rows([]) == []


def test_no_architecture_has_no_average() -> None:
    assert averaged(np.empty((0, 3))).shape == (0,)
