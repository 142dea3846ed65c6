"""Ranks against SciPy's, and what the command doesn't import before it needs it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from tegnas.scoring.ranking import positions, ranks

numbers = st.lists(st.sampled_from([-np.inf, -1.5, 0.0, -0.0, 1.0, 2.5, 1e300, np.inf]))


@given(numbers)
def test_ranks_are_those_of_scipy(values):
    row = np.array(values, dtype=np.float64)
    np.testing.assert_array_equal(ranks(row), rankdata(row))
    np.testing.assert_array_equal(ranks(np.stack([row, -row])), [rankdata(row), rankdata(-row)])
    np.testing.assert_array_equal(positions(row), rankdata(row, method="min") - 1)


def test_scipy_stats_is_not_imported_at_the_start():
    code = "import sys, tegnas.cli; assert 'scipy.stats' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
