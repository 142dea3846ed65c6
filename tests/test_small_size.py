"""Sizes of small networks: one rule for every space."""

from __future__ import annotations

import pytest

from tegnas.errors import InputError
from tegnas.spaces.small_size import SmallSize


def test_widths_keep_their_proportion_and_stages_a_share_of_their_cells():
    size = SmallSize(channels=4, depth=0.5)
    assert [size.width(each, 16) for each in (16, 32, 24, 1)] == [4, 8, 6, 1]
    assert [size.cells(each) for each in (5, 4, 1, 0)] == [3, 2, 1, 0]


def test_depth_0_keeps_one_cell_of_every_stage():
    assert [SmallSize(1, 0).cells(each) for each in (5, 1, 0)] == [1, 1, 0]


@pytest.mark.parametrize(("channels", "depth"), [(0, 1.0), (1.5, 1.0), (4, 1.1), (4, -0.1)])
def test_sizes_out_of_range_are_refused(channels, depth):
    with pytest.raises(InputError, match="must be"):
        SmallSize(channels, depth)
