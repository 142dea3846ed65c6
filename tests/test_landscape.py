"""Layouts, slices and ruggedness, on small landscapes whose figures are known."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from analysis_data import SPACE, made_up_scores
from paper import KAPPA, evaluated

from tegnas.analysis.encoding import distances, encode, one_hot, slice_between
from tegnas.analysis.landscape import best_so_far, lay_out
from tegnas.analysis.ruggedness import (
    agreement,
    landscape_ruggedness,
    neighbour_table,
    ruggedness,
    walk_autocorrelation,
)
from tegnas.errors import InputError
from tegnas.spaces import ChoiceSpace, get_space


def grid(size: int, choices: int = 2):
    """A product space of ``choices`` choices with ``size`` options each."""
    options = {f"c{index}": tuple(range(size)) for index in range(choices)}
    space = ChoiceSpace("grid", options, lambda taken, classes: None)
    archs = tuple(space)
    return space, archs, encode(space, archs)


def test_one_hot_codes_and_distances() -> None:
    archs = tuple(SPACE)[100:103]
    codes = one_hot(SPACE, archs)
    assert codes.shape == (3, 30) and (codes.sum(1) == 6).all()
    darts = get_space("darts")
    sample = [darts.sample(random.Random(seed)) for seed in range(4)]
    assert (one_hot(darts, sample).sum(1) == len(darts.choices())).all()
    plain = encode(SPACE, archs)
    assert distances(plain, plain[0])[0] == 0
    neighbours = list(SPACE.neighbours(archs[0]))
    assert set(distances(encode(SPACE, neighbours), plain[0])) == {1}


def test_a_slice_goes_from_start_to_end_by_single_changes() -> None:
    start, end = next(iter(SPACE)), list(SPACE)[-1]
    steps = slice_between(SPACE, start, end)
    assert [len(step) for step in steps] == [1, 6, 15, 20, 15, 6, 1]
    assert steps[0] == [start] and steps[-1] == [end]
    code = encode(SPACE, [start])[0]
    for made, step in enumerate(steps):
        assert set(distances(encode(SPACE, step), code)) == {made}
    assert slice_between(SPACE, start, start) == [[start]]


def test_a_slice_through_many_choices_counts_through_none_of_them() -> None:
    options = {f"c{index}": (0, 1) for index in range(40)}  # 10^11 architectures are half way
    space = ChoiceSpace("wide", options, lambda taken, classes: None)
    steps = slice_between(space, space.decode([0] * 40), space.decode([1] * 40))
    assert [len(set(step)) for step in steps] == [1] + [24] * 39 + [1]


@pytest.mark.parametrize("method", ["pls", "pca", "mds"])
def test_layouts_put_better_architectures_right(method: str) -> None:
    rng = random.Random(0)
    archs = tuple({SPACE.sample(rng): None for _ in range(200)})
    scores = made_up_scores(archs)
    layout = lay_out(scores, method)
    assert layout.points.shape == (len(archs), 2) and np.isfinite(layout.points).all()
    assert np.array_equal(layout.points, lay_out(scores, method).points)
    finite = ~scores.failed
    right = np.corrcoef(layout.points[finite, 0], -scores.rank_score[finite])[0, 1]
    assert right > (0.8 if method == "pls" else 0)
    assert np.array_equal(layout.position(archs[3:5]), layout.points[3:5])


def test_layout_refuses_what_it_cannot_do() -> None:
    archs = tuple(SPACE)
    with pytest.raises(InputError, match="umap"):
        lay_out(made_up_scores(archs[:9]), "umap")
    with pytest.raises(InputError, match="3 architectures"):
        lay_out(made_up_scores(archs[:2]))
    with pytest.raises(InputError, match="2,000"):
        lay_out(made_up_scores(archs[:2001]), "mds")


def test_best_so_far_is_a_strictly_better_path() -> None:
    values = [np.inf, 5.0, 7.0, 4.0, 4.0, 1.0]
    history = [evaluated(i, value, 1.0, value) for i, value in enumerate(values)]
    assert best_so_far(history) == [1, 3, 5]


def test_a_smooth_bowl_has_one_optimum() -> None:
    space, archs, codes = grid(2, 8)
    cost = codes.sum(1).astype(float)  # ones are bad, one by one
    figures = ruggedness("bowl", cost, codes, neighbour_table(space, archs))
    assert (figures.optima, figures.basin) == (1, 1.0)
    # Of a sum over 8 bits, a changed bit leaves 1 − 2/8; ranks bend that a little.
    assert abs(figures.autocorrelation - 0.75) < 0.03
    assert figures.distance_correlation > 0.98


def test_noise_is_rugged() -> None:
    space, archs, codes = grid(2, 10)
    cost = np.random.default_rng(0).random(len(archs))
    figures = ruggedness("noise", cost, codes, neighbour_table(space, archs))
    # An architecture with 10 neighbours is a local optimum with probability 1/11.
    assert abs(figures.optima - 1024 / 11) < 20
    assert abs(figures.autocorrelation) < 0.05 and abs(figures.distance_correlation) < 0.1


def test_unknown_and_failed_values() -> None:
    space, archs, codes = grid(3)
    cost = np.array([0, 1, 2, 3, np.nan, 5, np.inf, np.inf, np.inf])
    figures = ruggedness("x", cost, codes, neighbour_table(space, archs))
    assert figures.count == 8 and figures.optima == 1
    with pytest.raises(InputError, match="three"):
        ruggedness("x", np.where(cost < 2, cost, np.nan), codes, neighbour_table(space, archs))


def test_walks_agree_with_the_exact_autocorrelation() -> None:
    space, archs, codes = grid(2, 8)
    cost = codes.sum(1) + np.random.default_rng(0).normal(0, 0.5, len(archs))
    exact = ruggedness("x", cost, codes, neighbour_table(space, archs)).autocorrelation
    index = {arch: i for i, arch in enumerate(archs)}
    rng = random.Random(0)
    walks = []
    for _ in range(40):
        arch = space.sample(rng)
        walk = []
        for _ in range(100):
            arch = space.mutate(arch, rng)
            walk.append(cost[index[arch]])
        walks.append(walk)
    assert abs(walk_autocorrelation(np.array(walks)) - exact) < 0.05
    assert math.isnan(walk_autocorrelation(np.ones((2, 3))))


def test_rounding_makes_no_optima() -> None:
    rng = random.Random(2)
    archs = tuple({SPACE.sample(rng): None for _ in range(300)})
    scores = made_up_scores(archs)
    noise = 1 + 1e-9 * np.random.default_rng(0).normal(size=len(archs))
    kappa = np.round(np.log(scores[KAPPA])) + 20.0
    plateaus, shaken = (
        replace(scores, values=np.column_stack([each, scores.values[:, 1:]]))
        for each in (kappa, kappa * noise)
    )
    assert landscape_ruggedness(plateaus)[0] == landscape_ruggedness(shaken)[0]


def test_ruggedness_of_scores_and_agreement() -> None:
    rng = random.Random(1)
    archs = tuple({SPACE.sample(rng): None for _ in range(400)})
    scores = made_up_scores(archs)
    accuracy = np.full(len(archs), np.nan)
    accuracy[:50] = np.arange(50)
    names = [each.name for each in landscape_ruggedness(scores, accuracy)]
    assert names == ["T (κ)", "E (R)", "G (MSE)", "T + E + G", "accuracy"]
    assert all(value > 0.5 for value in agreement(scores).values())
