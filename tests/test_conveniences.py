"""What Python users may write in place of objects, and how values print, copy, pickle and look."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tegnas
from tegnas.analysis.runs import load_runs
from tegnas.search.compare import compare
from tegnas.spaces import get_space, space_names

ARCH = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
OTHER = "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
SPACE = tegnas.get_space("nas-bench-201")
SMALL = {"repeats": 1, "region_samples": 60, "train": 8, "val": 8}
SETTINGS = tegnas.ScoreSettings(**SMALL)
PACKAGE = Path(tegnas.__file__).parent


@pytest.fixture(scope="module")
def batch():
    return tegnas.load_batch("digits", train=8, val=8)


@pytest.fixture(scope="module")
def scores(batch):
    return tegnas.score([ARCH, OTHER], batch, space=SPACE, settings=SETTINGS)


@pytest.fixture(scope="module")
def result(batch):
    return tegnas.search(SPACE, batch, "random", 4, settings=SETTINGS)


@pytest.fixture(scope="module")
def module_score(batch):
    network = nn.Sequential(nn.Flatten(), nn.Linear(3072, 8), nn.ReLU(), nn.Linear(8, 10))
    return tegnas.score_module(network, batch, region_samples=60, region_shape=(3, 32, 32))


# Names in the place of objects


def test_names_stand_for_objects(scores):
    named = tegnas.score(ARCH, "digits", space="nas-bench-201", settings="best", **SMALL)
    assert named.archs == (SPACE.parse(ARCH),) and named.space == "nas-bench-201"
    assert named["linear_regions"][0] == scores["linear_regions"][0]
    one = tegnas.score(SPACE.parse(ARCH), "digits", space=SPACE, settings=SETTINGS)
    assert torch.equal(one.trainability, named.trainability)
    fast = tegnas.score(ARCH, "digits", space="nas-bench-201", settings="fast", **SMALL)
    assert fast.settings.names == tegnas.get_preset("fast").names


def test_a_search_takes_names_and_a_preset_takes_its_seed(tmp_path, batch):
    found = tegnas.search(
        "nas-bench-201", batch, "random", 2, 7, settings="fast", out=tmp_path / "a"
    )
    assert found.best.settings.seed == 7 and found.best.settings.combination == "rank-sum"
    assert load_runs([tmp_path / "a"], "nas-bench-201")[0].result.best == found.best
    rows = compare("nas-bench-201", batch, "random", [0], 2, out=tmp_path / "b", settings=SETTINGS)
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": "nasbench"}, "unknown search space 'nasbench'; tegnas knows nas-bench-201"),
        ({"space": 3}, "'int' is not a search space; give one, or its name"),
        ({"space": type(SPACE)}, "the class NasBench201 is not a search space"),
        ({"batch": "digit"}, "unknown image source 'digit'; known are digits"),
        ({"batch": 3}, "'int' is not a batch; give one, the name of a source"),
        ({"settings": "quick"}, "unknown preset 'quick'; tegnas has best, fast, paper"),
        ({"settings": {"repeats": 3}}, "'dict' isn't settings; give tegnas.ScoreSettings"),
        ({"archs": "|none|"}, "none"),
    ],
)
def test_wrong_ones_get_one_sentence(arguments, message):
    given = {"archs": [ARCH], "batch": "digits", "space": SPACE, "settings": SETTINGS} | arguments
    with pytest.raises(tegnas.InputError, match=message) as caught:
        tegnas.score(**given)
    assert "\n" not in str(caught.value)


# Reading, printing, tables


def test_scores_are_indexed_and_looped_over(scores):
    first, second = scores
    assert (str(first.arch), str(second.arch)) == (ARCH, OTHER)
    assert scores[-1] == second and first.trainability == scores.trainability[0].item()
    assert first.networks[0] == (scores.networks["variance_inflation"][0].item(),)
    part = scores[1:]
    assert len(part) == 1 and part.archs == scores.archs[1:] and part[0].values == second.values
    with pytest.raises(IndexError):
        scores[2]


def test_a_result_is_indexed_and_looped_over(result):
    assert result[0] == result.history[0] == next(iter(result))
    assert result[-2:] == result.history[-2:]
    assert np.array_equal(result["linear_regions"], [each.regions for each in result])


def test_everything_prints_in_a_line(scores, result, module_score, batch):
    for value in (scores, scores[0], result, module_score, batch, SETTINGS, *SETTINGS.indicators):
        assert "\n" not in repr(value) and len(repr(value)) < 260
    assert repr(scores).startswith("Scores(2 architectures, best |nor_conv")
    assert "VIF" in repr(result) and repr(module_score).startswith("ModuleScore(VIF ")
    assert repr(scores[:0]).startswith("Scores(no architectures")
    assert repr(SPACE) == "NasBench201('nas-bench-201', 15,625 architectures)"
    for name in space_names():
        assert re.fullmatch(rf"\w+\('{name}', [\d,]+ architectures\)", repr(get_space(name)))


def test_notebooks_show_bars_and_cells(scores, result):
    for value in (scores, result):
        html = value._repr_html_()
        assert "<table>" in html and html.count("data:image/svg+xml;base64,") >= 2
        assert html.count('height:100%;width:100%"') >= 3  # the best of each column
        assert "http:" not in html and "https:" not in html
    assert "no architectures" in scores[:0]._repr_html_()


def test_tables(scores, result):
    assert scores.to_frame()["position"].tolist() == (scores.ranking() + 1).tolist()
    assert list(result.to_frame().columns) == ["arch", *SETTINGS.names]


# Copies


def test_public_values_are_copied_and_pickled(scores, result, module_score, batch):
    network = nn.Linear(4, 3)
    values = [
        scores, result, result.best, module_score, batch, SETTINGS, SPACE, scores.archs[0],
        tegnas.get_indicator("linear_regions"),
        tegnas.ntk(network, torch.randn(5, 4), details=True),
    ]  # fmt: skip
    for value in values:
        for made in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
            assert type(made) is type(value) and repr(made) == repr(value) or value is SPACE
    again = pickle.loads(pickle.dumps(scores))
    assert torch.equal(again.rank_score(), scores.rank_score())
    with pytest.raises(TypeError):
        again.networks["linear_regions"] = torch.zeros(2)  # as before
    assert pickle.loads(pickle.dumps(batch)).fingerprint() == batch.fingerprint()


# The package


def test_nothing_prints_but_the_command():
    for file in PACKAGE.rglob("*.py"):
        if "cli" not in file.parts:
            calls = [
                node
                for node in ast.walk(ast.parse(file.read_text("utf-8")))
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            ]
            assert not calls, file


def test_its_types_are_for_others_to_read():
    assert (PACKAGE / "py.typed").is_file()
