"""Stores keep apart what was scored on small networks of different sizes."""

from __future__ import annotations

import pytest
from test_traced_jobs import build

from tegnas import get_preset, load_batch, search
from tegnas.analysis.score_table import read_scores
from tegnas.scoring.settings import changed
from tegnas.spaces import ChoiceSpace, Darts, NasBench201
from tegnas.spaces.small_size import SmallSize
from tegnas.spaces.stored_name import name_of, stored_name


def test_sizes_belong_to_the_name_where_they_matter():
    small = Darts(deep=SmallSize(2, depth=0.5))
    assert stored_name(small, "paper") == "darts"
    assert stored_name(small, "deep") == "darts deep 2×0.5 thin 1×0.6"
    assert stored_name(Darts(), "deep") != stored_name(small, "deep")
    assert stored_name(ChoiceSpace("my own", {"width": (1, 2)}, build), "deep") == "my own"


@pytest.mark.parametrize("fingerprint", [None, "0f" * 32])
@pytest.mark.parametrize("small_networks", ["paper", "deep"])
def test_the_name_alone_is_read_back(fingerprint, small_networks):
    space = NasBench201()
    if fingerprint:
        space.fingerprint = fingerprint
    assert name_of(stored_name(space, small_networks)) == "nas-bench-201"


def test_scores_of_another_size_are_not_taken_from_a_shared_store(tmp_path):
    batch = load_batch("noise", train=6, val=2, seed=0, size=8)
    settings = changed(get_preset("best"), repeats=1, region_samples=20)
    found = [
        search(
            space, batch, "random", 2, settings=settings, seed=1,
            out=tmp_path / str(index), shared=tmp_path / "shared.sqlite",
        ).history
        for index, space in enumerate((NasBench201(), NasBench201(deep=SmallSize(2, depth=0.0))))
    ]  # fmt: skip
    assert [each.arch for each in found[0]] == [each.arch for each in found[1]]
    assert [each.values for each in found[0]] != [each.values for each in found[1]]
    assert len(read_scores(tmp_path / "1").archs) == 2
