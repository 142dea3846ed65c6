"""Isomorphic architectures share a score where the caller asks for it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from paper import KAPPA, MSE, paper_settings

import tegnas
from tegnas.analysis.runs import load_runs
from tegnas.data import load_batch
from tegnas.errors import InputError
from tegnas.search import search
from tegnas.search.compare import compare
from tegnas.spaces import get_space
from tegnas.spaces.isomorphism import representatives

SPACE = get_space("nas-bench-201")
SETTINGS = paper_settings(repeats=2, region_samples=32, region_batch_size=32)
SHARED = replace(SETTINGS, share_isomorphic=True)

# The skip hands the input on to node 1, so the two convolutions may change places.
TWINS = (
    "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
)
OTHER = "|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=6, val=6, seed=0)


def test_representatives_are_of_the_same_class_and_represent_themselves():
    rng = random.Random(0)
    for name in (
        "nas-bench-201",
        "nas-bench-101",
        "transnas-micro",
        "darts",
        "nats-size",
        "mobilenet",
        "vit",
    ):
        space = get_space(name)
        represent = representatives(space)
        for _ in range(20):
            arch = space.sample(rng)
            found = represent(arch)
            assert space.canonical(found) == space.canonical(arch)
            assert represent(found) == found
    assert representatives(SPACE)(SPACE.supernet()) == SPACE.supernet()


def test_there_are_6466_representatives():
    assert len({SPACE.representative(arch) for arch in SPACE}) == 6466


def test_scores_are_shared_whatever_the_order(batch):
    counted = []
    scores = tegnas.score(
        [*TWINS, OTHER], batch, space=SPACE, settings=SHARED, progress=counted.append
    )
    assert counted == [2]
    assert torch.equal(scores.networks[KAPPA][0], scores.networks[KAPPA][1])
    assert torch.equal(scores.networks[MSE][0], scores.networks[MSE][1])
    assert scores.kappa[0] != scores.kappa[2]
    (alone,) = tegnas.score(TWINS[1:], batch, space=SPACE, settings=SHARED).kappa
    torch.testing.assert_close(alone, scores.kappa[0])


def test_scores_of_their_own_differ(batch):
    # A weight depends on the edge it is on.
    kappa = tegnas.score(TWINS, batch, space=SPACE, settings=SETTINGS).kappa
    assert kappa[0] != kappa[1]


def test_a_search_scores_a_class_once_and_keeps_a_row_for_each_member(batch, tmp_path):
    states = []
    arguments = {"settings": SHARED, "budget": 200, "out": tmp_path}
    result = search(SPACE, batch, "exhaustive", progress=states.append, **arguments)
    archs = [each.arch for each in result.history]
    assert states[-1].scored == len({SPACE.canonical(arch) for arch in archs}) < len(archs)
    by_class: dict[object, set] = {}
    for each in result.history:
        values = (each.kappa, each.regions, each.mse)
        by_class.setdefault(SPACE.canonical(each.arch), set()).add(values)
    assert all(len(values) == 1 for values in by_class.values())
    (run,) = load_runs([tmp_path])
    assert set(archs) <= set(run.scores.archs)
    again = search(SPACE, batch, "exhaustive", progress=states.append, **arguments)
    assert (again.history, states[-1].scored) == (result.history, 0)


def test_runs_that_share_a_store_agree(batch, tmp_path):
    rows = compare(SPACE, batch, ["random", "evolution"], [0, 1], 20, out=tmp_path, settings=SHARED)
    assert len(rows) == 4


def test_sharing_is_part_of_the_settings(batch, tmp_path):
    assert SHARED.key() != SETTINGS.key()
    search(SPACE, batch, "random", 3, settings=SETTINGS, out=tmp_path)
    with pytest.raises(InputError, match="belongs to another configuration"):
        search(SPACE, batch, "random", 3, settings=SHARED, out=tmp_path)


def test_a_space_without_canonical_form_is_named(batch):
    class Plain:
        name = "plain"

        def __getattr__(self, name):
            if name == "representative":
                raise AttributeError(name)
            return getattr(SPACE, name)

    with pytest.raises(InputError, match="plain has no canonical form"):
        tegnas.score([OTHER], batch, space=Plain(), settings=SHARED)
    with pytest.raises(InputError, match="plain has no canonical form"):
        search(Plain(), batch, "random", 3, settings=SHARED)
