"""The ranking study: its halves, its combinations and its probes."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from bench.ranking.combine import agreement, log_rank, rank_sum, ranks
from bench.ranking.evaluate import Judge
from bench.ranking.extras import extras
from bench.ranking.features import compute
from bench.ranking.first_best import PROBE
from bench.ranking.first_best import compute as first_best_costs
from bench.ranking.halves import CONFIRMING, CONFIRMING_ROWS, EVERYTHING, SELECTION, Half, read_half
from bench.ranking.parts import DECLARED, PartCosts, splits
from bench.ranking.probe import Probe, Prober
from bench.ranking.statistics import STATISTICS
from bench.ranking.study import Study
from tegnas import get_preset, load_batch, score
from tegnas.spaces import get_space

SPACE = get_space("nas-bench-201")
ARCHS = tuple(str(arch) for arch in list(SPACE)[1111:15000:2222])
CUT = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"
BARE = "|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


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
    rows = read_half(table, CONFIRMING_ROWS)
    assert len(rows.archs) == 15 and set(other.archs) <= set(rows.archs)
    assert set(rows.classes) == set(other.classes)


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


def test_the_first_study_computes_what_the_package_does():
    probe = Probe(source="noise", size=16, images=12)
    features = compute(ARCHS, Prober(probe, "noise"))
    batch = load_batch("noise", train=12, val=12, seed=0, size=16)
    paper = score(ARCHS, batch, space=SPACE, repeats=1, region_samples=10)
    for name, values in (("κ", paper.kappa), ("labels", paper.mse)):
        assert np.exp(STATISTICS[name](features)) == pytest.approx(values.numpy(), rel=1e-5)


def half_of(archs: tuple[str, ...]) -> Half:
    accuracy = np.linspace(50, 90, len(archs))
    return Half("some", archs, np.arange(len(archs)), {"CIFAR-10": accuracy})


def test_both_ways_to_the_first_study_s_best_agree():
    archs = (*ARCHS, CUT)
    features = [
        compute(archs, Prober(replace(PROBE, source="noise", network=seed), "noise"))
        for seed in range(2)
    ]
    found = first_best_costs(archs, "noise", replace(PROBE, source="noise"), networks=2)
    for cost, name in ((found[0], "correlation harmonic"), (found[2], "left-out noise")):
        each = np.exp([STATISTICS[name](of_one) for of_one in features])
        assert cost[:-1] == pytest.approx(np.median(each, axis=0)[:-1], rel=1e-6)
        assert np.isnan(each[:, -1]).all() and cost[-1] == np.inf


def test_the_declared_candidate_is_the_preset_best(tmp_path):
    archs = (*ARCHS, BARE, CUT)
    costs = PartCosts(Study(half_of(archs), "noise", tmp_path))(DECLARED, (0,))
    batch = load_batch("noise", seed=0, size=16)
    scores = score(archs, batch, space=SPACE, settings=get_preset("best").settings(repeats=1))
    finite = scores.kappa.isfinite().numpy()
    assert finite.sum() >= 4 and not finite[-2:].any()
    for cost in costs:
        assert np.isfinite(cost).tolist() == finite.tolist()
    t, e, g = (cost[finite] for cost in costs)
    assert np.exp(t) == pytest.approx(scores.kappa.numpy()[finite], rel=1e-4)
    assert (-e).tolist() == scores.regions[finite].tolist()
    assert np.exp(g) == pytest.approx(scores.mse.numpy()[finite], rel=1e-4)


def test_a_choice_from_a_list_is_judged_where_it_was_not_made():
    rng = np.random.default_rng(0)
    accuracy = rng.random(60)
    good, noise = -accuracy + 0.1 * rng.random(60), rng.random((5, 60))
    found = splits(np.array([[each] for each in (*noise, good)]), noise[:1], accuracy)
    assert (found.chosen == 5).all() and (found.gains > 0).all()
    found = splits(noise[:, None], noise[:1], accuracy)
    assert found.gains.mean() < found.taus.max() - found.taus[0]


def test_rows_of_one_class_are_drawn_together():
    cost = np.arange(12.0)
    one = Judge(-(cost % 5), resamples=50, groups=np.arange(12)).interval(cost)
    judge = Judge(-(np.repeat(cost, 2) % 5), resamples=50, groups=np.repeat(np.arange(12), 2))
    twice = judge.interval(np.repeat(cost, 2))
    assert (twice.low, twice.high) == pytest.approx((one.low, one.high))
