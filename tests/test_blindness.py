"""No indicator goes blind in silence: dead networks are replaced, ties are said."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import torch
from paper import KAPPA, MSE, REGIONS, paper_settings, scored
from tiny_space import TinySpace

from tegnas import get_preset, get_space, load_batch, score, search
from tegnas.scoring import BlindNetworkWarning
from tegnas.scoring.blindness import blind_indicators
from tegnas.scoring.seeds import usable_seeds
from tegnas.scoring.settings import changed
from tegnas.scoring.shrink import small_batch

SMALL = {"region_samples": 40, "region_batch_size": 20}


class DeadStem(TinySpace):
    """Some seeds kill every image before the network reaches what is searched."""

    def __init__(self, dead: set[int]) -> None:
        self.dead = dead

    def network(self, arch, kind="proxy", *, num_classes=10, seed=0):
        network = super().network(arch, kind, num_classes=num_classes, seed=seed)
        if seed in self.dead:
            with torch.no_grad():
                network[0].weight.zero_()
                network[0].bias.fill_(-1.0)
        return network


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=8, val=6, size=8)


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("preset", ["fast", "best"])
def test_a_network_that_is_dead_for_all_is_replaced_and_that_is_said(batch, preset, engine):
    settings = changed(get_preset(preset), repeats=2, engine=engine, **SMALL)
    space = DeadStem({1, 2})
    archs = [next(iter(space))]
    found = usable_seeds(space, batch, settings)
    assert found.seeds == (0, 3)
    assert "every architecture is singular in network 2, 3" in found.note
    with pytest.warns(BlindNetworkWarning, match="other networks take its place"):
        scores = score(archs, batch, space=space, settings=settings)
    plain = score(archs, batch, space=TinySpace(), settings=changed(settings, repeats=4))
    for name in scores.settings.names:
        torch.testing.assert_close(scores.networks[name], plain.networks[name][:, [0, 3]])


def test_where_no_network_sees_anything_the_note_says_what_to_do(batch):
    settings = paper_settings(repeats=2, **SMALL)
    found = usable_seeds(DeadStem(set(range(99))), batch, settings)
    assert found.seeds == (0, 1)
    assert "T and G say nothing on these images: draw others by --seed" in found.note


def test_a_search_keeps_the_note_and_says_what_ties(batch, tmp_path):
    space = DeadStem(set(range(99)))
    result = search(
        space, batch, "random", 6, settings=paper_settings(repeats=1, **SMALL), out=tmp_path / "a"
    )
    first, *ties = result.warnings
    assert "say nothing on these images" in first
    assert any(
        each.startswith("T (κ) says little about this set: 6 of 6 architectures fail in it")
        for each in ties
    )


def test_regular_networks_are_taken_as_they_are_without_a_word(batch):
    with warnings.catch_warnings():
        warnings.simplefilter("error", BlindNetworkWarning)
        found = usable_seeds(TinySpace(), batch, changed(get_preset("best"), seed=7))
    assert found.seeds == tuple(range(7, 17)) and not found.note


def test_ties_are_named_where_more_than_half_share_a_value():
    settings = paper_settings(region_samples=100)
    columns = {
        KAPPA: np.array([np.inf, np.inf, np.inf, 2.0, 1.0]),
        REGIONS: np.array([98.0, 99.0, 100.0, 50.0, 60.0]),
        MSE: np.array([0.5, 0.5, 0.5, 0.4, 0.3]),
    }
    kappa, regions, mse = blind_indicators(settings, columns)
    assert "T (κ) says little about this set: 3 of 5 architectures fail in it (inf)" == kappa
    assert "3 of 5 architectures are at its ceiling (100 inputs)" in regions
    assert "3 of 5 architectures tie at 0.5" in mse
    varied = {name: np.array([1.0, 2.0, 3.0, 4.0, 4.0]) for name in columns}
    assert blind_indicators(settings, varied) == ()


def test_scores_tell_their_ties():
    scores = scored(range(4), [1.0, 2.0, 3.0, 4.0], [7, 7, 7, 8], [0.1, 0.2, 0.3, 0.4])
    assert [each.partition(" says")[0] for each in scores.warnings] == ["E (R)"]


def test_an_image_that_is_dead_in_the_stem_of_darts(shared_data):
    """On this draw some networks of one channel are singular for every architecture."""
    space = get_space("darts")
    settings = changed(get_preset("best"), region_samples=10, small_networks="paper")
    batch = load_batch(shared_data / "cifar10_dev500.npz", train=64, val=64, seed=5)
    with pytest.warns(BlindNetworkWarning):
        found = usable_seeds(space, small_batch(space, batch, settings), settings)
        rng = random.Random(1)
        scores = score([space.sample(rng)], batch, space=space, settings=settings)
    assert len(found.seeds) == 10 and found.seeds != tuple(range(10))
    assert bool(scores.networks["variance_inflation"].isfinite().all())
