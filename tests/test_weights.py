"""Weights of indicators: in orders, labels, names and files, and never in values."""

from __future__ import annotations

import json
import math
import pickle
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

import tegnas
from tegnas import InputError, ScoreSettings, get_indicator
from tegnas.cli.scoring_options import ScoringOptions, used
from tegnas.indicators.registry import joined_indicators
from tegnas.scoring.labels import combined_label
from tegnas.scoring.ranking import combine, rank_score
from tegnas.search.changes import changes_between
from tegnas.search.evaluation import Evaluation
from tegnas.search.store import ScoreStore
from tegnas.search.strategies.reinforce import RelativeChange

OWN = """
import tegnas

@tegnas.indicator(better="lower", computed_from="architecture", weight=0.25)
def fan(arch, space):
    return 1.0
"""


@pytest.fixture
def own(tmp_path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path / 'own.py'}:fan"


def settings(*indicators) -> ScoreSettings:
    return ScoreSettings(indicators=indicators)


# The order

COLUMNS = [np.array([1.0, 2, 3]), np.array([3.0, 1, 2])]
INDICATORS = [get_indicator(name) for name in ("variance_inflation", "leave_one_out_error")]


@pytest.mark.parametrize(
    ("combination", "first", "second"),
    [
        ("rank-sum", [1, 2, 3], [3, 1, 2]),
        ("log-rank", np.log([1, 1.5, 3]), np.log([3, 1, 1.5])),
    ],
)
def test_a_sum_of_ranks_is_weighted(combination, first, second):
    chosen = [INDICATORS[0].weighing(0.5), INDICATORS[1].weighing(2)]
    found = rank_score(chosen, COLUMNS, combination)
    assert found == pytest.approx(0.5 * np.array(first) + 2 * np.array(second))


def test_weights_of_one_change_no_digit():
    costs, bad = np.random.default_rng(0).normal(size=(3, 50)), np.arange(50) < 5
    for combination in ("rank-sum", "log-rank"):
        plain = combine(costs, bad, combination)
        assert np.array_equal(combine(costs, bad, combination, [1, 1, 1]), plain)


def test_what_takes_no_part_takes_its_weight_along():
    columns = [COLUMNS[0], np.array([1.0, math.nan, 2])]
    chosen = [INDICATORS[0], INDICATORS[1].weighing(9)]
    assert rank_score(chosen, columns).tolist() == [1, 2, 3]


def test_rewards_are_weighted():
    def reward(weight: float) -> float:
        by = settings(INDICATORS[0], INDICATORS[1].weighing(weight))
        rewards = RelativeChange(10)
        rewards.next(Evaluation("a", by, (1.0, 1.0)))
        return rewards.next(Evaluation("b", by, (2.0, 0.0)))

    assert reward(1) == pytest.approx(0)
    assert reward(3) == pytest.approx(2, rel=1e-5)


# Names


def test_a_name_may_bring_a_weight(own):
    assert get_indicator("pattern_rank").weight == 0.5
    assert get_indicator("pattern-rank=1") == replace(get_indicator("pattern_rank"), weight=1)
    assert get_indicator(own).weight == 0.25
    assert get_indicator(f"{own}=2").weight == 2


@pytest.mark.parametrize("weight", ["", "x", "0", "-1", "inf", "nan"])
def test_a_weight_is_a_positive_number(own, weight):
    for name in ("flops", own):
        with pytest.raises(InputError, match=r"as a positive number, such as .*(flops|fan)=0\.5"):
            get_indicator(f"{name}={weight}")


@pytest.mark.parametrize("weight", [0, -1.0, math.inf, math.nan, True, "2", None])
def test_an_indicator_refuses_other_weights(weight):
    with pytest.raises(InputError, match="weight of flops must be a positive, finite number"):
        replace(get_indicator("flops"), weight=weight)


def test_the_later_of_two_of_one_name_takes_the_place_of_the_earlier():
    found = joined_indicators(["flops", "parameters"], ["flops=2", "zen"])
    assert [(each.name, each.weight) for each in found] == [
        ("flops", 2), ("parameters", 1), ("zen", 1)
    ]  # fmt: skip
    with pytest.raises(InputError, match="named twice"):
        joined_indicators(["flops", "flops=2"])


def test_the_command_takes_weights():
    def chosen(**options) -> list[tuple[str, float]]:
        return [
            (each.name, each.weight) for each in ScoringOptions(**options).settings(0).indicators
        ]

    best = [(each.name, each.weight) for each in ScoreSettings().indicators]
    assert chosen(indicator=["pattern_rank=1"]) == [*best[:3], ("pattern_rank", 1)]
    assert chosen(indicator=["flops=0.5"]) == [*best, ("flops", 0.5)]
    assert chosen(indicators="zen=2, flops") == [("zen", 2), ("flops", 1)]


# Labels


def test_labels_show_weights_that_arent_one():
    weights = {
        0.5: "½ ",
        0.25: "¼ ",
        0.75: "¾ ",
        1 / 3: "⅓ ",
        0.3: "0.3 ",
        1: "",
        2: "2 ",
        1.5: "1.5 ",
    }
    for weight, text in weights.items():
        assert combined_label([get_indicator("flops").weighing(weight)]) == f"{text}FLOPs"
    assert combined_label(ScoreSettings().indicators) == "T + E + G + ½ PR"
    assert combined_label(joined_indicators(["linear_regions=2", "flops"])) == "2 E + FLOPs"


def test_what_scored_is_said_as_options_take_it():
    line = used(settings("flops", "pattern_rank", "zen=2"))
    assert line.endswith(": flops, pattern_rank=0.5, zen=2")
    assert used(settings("flops=1", "pattern_rank=1")).endswith(": flops, pattern_rank=1")


# Files


def test_settings_keep_a_weight_that_isnt_the_usual_one(own):
    by = settings("flops", "pattern_rank", "zen=2", own)
    written = json.loads(json.dumps(by.to_json()))
    assert written["indicators"] == ["flops", "pattern_rank", "zen=2", own]
    assert ScoreSettings.from_json(written, [get_indicator(f"{own}=7")]) == by
    other = settings("flops=1.0", "pattern_rank=0.5", "zen=0.1", f"{own}=1")
    written = json.loads(json.dumps(other.to_json()))
    assert written["indicators"] == ["flops", "pattern_rank", "zen=0.1", f"{own}=1"]
    assert ScoreSettings.from_json(written, [get_indicator(own)]) == other


def test_a_weight_that_was_written_wrongly_is_refused():
    written = ScoreSettings().to_json() | {"indicators": ["flops=none"]}
    with pytest.raises(InputError, match="as a positive number"):
        ScoreSettings.from_json(written)


def test_weights_reach_other_processes(own):
    for each in map(get_indicator, ("flops", "flops=0.1", own, f"{own}=1")):
        assert pickle.loads(pickle.dumps(each)) == each


def test_values_dont_depend_on_weights():
    assert settings("flops=2", "zen").key() == settings("flops", "zen=3").key()


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (["flops", "zen"], ["flops", "zen=2"], "indicators had zen, have zen=2"),
        (["flops"], ["flops", "zen"], "indicators have zen besides"),
        (["flops", "zen"], ["flops"], "indicators had zen besides"),
        (["flops", "zen"], ["zen", "flops"], "the order of the indicators differs"),
    ],
)
def test_other_indicators_are_other_settings_of_a_run(before, now, words):
    configurations = [{"score": settings(*names).to_json()} for names in (before, now)]
    assert changes_between(*configurations) == words


def test_scores_that_are_stored_serve_another_weight(tmp_path):
    space, batch = tegnas.get_space("nas-bench-201"), tegnas.load_batch("noise", train=4, val=4)
    arch = space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    found = []
    for weight in (1, 2):
        by = settings("parameters", f"flops={weight}")
        store = ScoreStore(tmp_path / "scores.sqlite", space="s", settings=by, data="d")
        with closing(store):
            if weight == 1:
                store.add(tegnas.score([arch], batch, space=space, settings=by))
            found.append(store.get(arch))
    assert found[0].values == found[1].values and found[1].settings.indicators[1].weight == 2
