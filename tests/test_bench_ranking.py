"""The ranking study: its halves, its combinations and its probes."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from bench.ranking.combine import agreement, log_rank, rank_sum, ranks
from bench.ranking.evaluate import Judge
from bench.ranking.extras import extras
from bench.ranking.features import compute
from bench.ranking.halves import CONFIRMING, EVERYTHING, SELECTION, read_half
from bench.ranking.probe import Probe, Prober
from bench.ranking.statistics import STATISTICS
from tegnas import get_preset, load_batch, score
from tegnas.spaces import get_space

SPACE = get_space("nas-bench-201")
ARCHS = tuple(str(arch) for arch in list(SPACE)[1000:15000:2500])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", "iso_class", "cifar10_test200", "cifar100_test200"])
        for index in range(30):
            writer.writerow([f"arch{index}", index // 3, 50 + index, 20 + index])
    return path


def test_the_halves_hold_one_architecture_of_each_class_and_share_none(table):
    chosen, other = (read_half(table, name) for name in (SELECTION, CONFIRMING))
    numbers = [int(arch.removeprefix("arch")) // 3 for arch in chosen.archs + other.archs]
    assert sorted(numbers) == list(range(10)) and len(chosen.archs) == 5
    assert read_half(table, SELECTION).archs == chosen.archs
    assert chosen.accuracy["CIFAR-10"][0] == 50 + int(chosen.archs[0].removeprefix("arch"))
    assert len(read_half(table, EVERYTHING).archs) == 30


def test_failures_are_worst_and_agreement_needs_no_accuracy():
    cost = np.array([2.0, np.nan, 1.0, np.nan])
    assert ranks(cost).tolist() == [2.0, 3.5, 1.0, 3.5]
    costs = [np.arange(9.0), np.arange(9.0) ** 2, np.arange(9.0) ** 3]
    for combine in (rank_sum, log_rank, agreement):
        assert (np.diff(combine(costs)) > 0).all()


def test_a_difference_of_equal_costs_is_zero():
    cost = np.random.default_rng(0).random(40)
    judge = Judge(-cost, resamples=20)
    assert judge.tau(cost) == pytest.approx(1.0)
    difference = judge.difference(cost, cost)
    assert difference.value == difference.low == difference.high == 0.0


def test_extras_follow_the_architecture():
    found = extras(
        [
            "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
            "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        ]
    )
    assert found["layers with weights"].tolist() == [-1, -2, -1]
    assert found["depth"].tolist() == [-1, -2, 0]
    assert (found["parameters"] < 0).all()


def test_the_study_computes_what_the_package_does():
    probe = Probe(source="noise", size=16, images=12)
    features = compute(ARCHS, Prober(probe, "noise"))
    batch = load_batch("noise", train=12, val=12, seed=0, size=16)
    settings = get_preset("best").settings(repeats=1, region_samples=10)
    scores = score(ARCHS, batch, space=SPACE, settings=settings)
    finite = torch.isfinite(scores.kappa).numpy()
    for name, values in (("correlation harmonic", scores.kappa), ("left-out noise", scores.mse)):
        found = STATISTICS[name](features)
        assert np.exp(found[finite]) == pytest.approx(values.numpy()[finite], rel=1e-6)
    paper = score(ARCHS, batch, space=SPACE, repeats=1, region_samples=10)
    for name, values in (("κ", paper.kappa), ("labels", paper.mse)):
        found = STATISTICS[name](features)
        assert np.exp(found[finite]) == pytest.approx(values.numpy()[finite], rel=1e-5)
