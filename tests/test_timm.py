"""Models of timm, with the real library."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from real_libraries import real_library

import tegnas
from tegnas import InputError
from tegnas.cli import main

timm = real_library("timm", "timm")

from tegnas.integrations.timm import fixed_side, model_names, score_models  # noqa: E402

SETTINGS = tegnas.ScoreSettings(train=4, val=4, region_samples=20)


def test_patterns_are_timm_s():
    assert model_names(["resnet10t", "resnet1*"])[:2] == ["resnet10t", "resnet14t"]
    assert len(model_names("resnet1*")) == len(set(model_names("resnet1*")))
    with pytest.raises(InputError, match="has no model 'nothing'"):
        model_names(["resnet18", "nothing"])


def test_models_of_one_size_are_known():
    assert (fixed_side("resnet18"), fixed_side("vit_tiny_patch16_224")) == (None, 224)


def test_a_model_is_scored_as_the_module_that_it_is():
    batch = tegnas.load_batch("digits", train=4, val=4, seed=0)
    (row,) = score_models("resnet10t", batch, settings=SETTINGS)
    torch.manual_seed(SETTINGS.seed)
    network = timm.create_model("resnet10t", num_classes=10)
    score = tegnas.score_module(network, batch, settings=SETTINGS)
    assert row.score is not None and dict(row.score.values) == dict(score.values)


def test_the_command_scores_by_pattern(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = "score --timm resnet10t --timm tinynet_e --train 4 --val 4 --region-samples 20"
    more = "--workers 1 --json --out models.csv"
    monkeypatch.setattr(sys, "argv", ["tegnas", *words.split(), *more.split()])
    with pytest.raises(SystemExit, match="0"):
        main()
    models = json.loads(capfd.readouterr().out)["models"]
    assert [each["model"] for each in models] == ["resnet10t", "tinynet_e"]
    assert sorted(each["position"] for each in models) == [1, 2]
    lines = (tmp_path / "models.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["model", "resnet10t", "tinynet_e"]
