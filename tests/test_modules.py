"""Scores of many modules, in one process and in several."""

from __future__ import annotations

import csv
import math
import multiprocessing
from functools import partial

import pytest
import torch
from torch import nn

import tegnas
from tegnas import InputError
from tegnas.cli.model_table import write_models
from tegnas.scoring.modules import score_modules

SETTINGS = tegnas.ScoreSettings(train=8, val=8, region_samples=50)


def plain(width: int, activation: type[nn.Module] = nn.ReLU, pool: bool = True) -> nn.Module:
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    layers = [nn.Conv2d(3, width, 3, padding=1), activation()]
    return nn.Sequential(*layers, *(head if pool else head[1:]))


MAKERS = {"four": partial(plain, 4), "smooth": partial(plain, 3, nn.GELU), "two": partial(plain, 2)}


@pytest.fixture(scope="module")
def batch() -> tegnas.Batch:
    return tegnas.load_batch("digits", train=8, val=8, seed=0)


def test_each_is_scored_as_by_itself(batch):
    scores = score_modules(MAKERS, batch, settings=SETTINGS)
    assert [row.name for row in scores] == list(MAKERS)
    for name, row in zip(MAKERS, scores, strict=True):
        torch.manual_seed(SETTINGS.seed)
        network = MAKERS[name]()
        assert row.score is not None and row.side == 32 and not row.refused
        alone = tegnas.score_module(network, batch, settings=SETTINGS)
        assert dict(row.score.values) == dict(alone.values)
        assert row.parameters == sum(each.numel() for each in network.parameters())
    assert any("gelu" in note for note in scores.rows[1].notes)
    assert sorted(scores.positions()) == sorted(MAKERS)
    assert scores.positions()[scores.ranked()[0].name] == 1


def test_processes_give_the_same(batch):
    alone = score_modules(MAKERS, batch, settings=SETTINGS)
    done: list[int] = []
    together = score_modules(MAKERS, batch, settings=SETTINGS, workers=2, progress=done.append)
    assert done == [1, 2, 3]
    for one, other in zip(alone, together, strict=True):
        assert one.name == other.name and one.notes == other.notes
        assert dict(one.score.values) == pytest.approx(dict(other.score.values), rel=1e-6)
    assert not multiprocessing.active_children() or all(
        child.join(5) is None for child in multiprocessing.active_children()
    )


def test_one_that_fails_stops_nothing(batch, tmp_path):
    makers = {"good": MAKERS["two"], "bad": partial(plain, 2, pool=False)}
    scores = score_modules(makers, batch, settings=SETTINGS)
    good, bad = scores
    assert bad.score is None and "mat1 and mat2" in bad.refused and "\n" not in bad.refused
    assert scores.positions() == {"good": 1} and scores.ranked() == [good]
    write_models(scores, tmp_path / "models.csv")
    with open(tmp_path / "models.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["variance_inflation"]) == good.score["variance_inflation"]
    assert rows[1]["variance_inflation"] == "" and rows[1]["position"] == ""


def test_models_of_one_size_see_that_size(batch):
    scores = score_modules({"two": MAKERS["two"]}, batch, settings=SETTINGS, sides={"two": 8})
    (row,) = scores
    assert row.side == 8 and math.isfinite(row.score["variance_inflation"])


def test_the_table_is_a_frame(batch):
    frame = score_modules({"two": MAKERS["two"]}, batch, settings=SETTINGS).to_frame()
    assert list(frame["model"]) == ["two"] and list(frame["position"]) == [1]


@pytest.mark.parametrize(
    ("makers", "more", "sentence"),
    [({}, {}, "no module to score"), (MAKERS, {"workers": 0}, "workers must be at least 1")],
)
def test_what_cannot_be_done_is_one_sentence(batch, makers, more, sentence):
    with pytest.raises(InputError, match=sentence):
        score_modules(makers, batch, settings=SETTINGS, **more)
