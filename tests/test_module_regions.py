"""Regions of modules by ``score_module``: on which inputs, how long, and what is said."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch
from networks import Function, state_of
from torch import nn

from tegnas import ScoreSettings, load_batch, score_module
from tegnas.regions import RegionsWarning
from tegnas.scoring import module_regions
from tegnas.scoring.module_progress import LongScoreWarning, ProgressMeter, ScoreProgress

FEW = {"indicators": ("linear_regions",), "region_samples": 60, "region_batch_size": 25}


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=4, val=4, size=20)


def network(activation: nn.Module, *, smallest: int = 1, norm: bool = True) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, smallest),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        activation,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )


@pytest.mark.parametrize(("smallest", "side"), [(1, 3), (5, 8), (9, 16), (17, 20)])
def test_inputs_are_the_smallest_that_the_network_takes(batch, smallest, side):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegionsWarning)
        found = score_module(network(nn.ReLU(), smallest=smallest), batch, **FEW)
    assert found.region_shape == (3, side, side)
    assert found.region_details.inputs == 60
    assert found.region_details.counted == {"relu": 4 * (side - smallest + 1) ** 2}


def test_no_region_is_said_after_two_inputs(batch):
    seen = []
    layers = network(nn.Sigmoid())
    layers.insert(0, Function(lambda x: (seen.append(len(x)), x)[1]))
    with pytest.warns(RegionsWarning, match="no piecewise-linear activation such as ReLU .it has"):
        found = score_module(layers, batch, **FEW)
    assert found.regions is None and found.region_details is None
    assert sum(seen) == 2


def test_patterns_of_signs_are_no_regions(batch):
    said = r"no piecewise-linear activation such as ReLU .it has gelu.: R is the number of patterns"
    with pytest.warns(RegionsWarning, match=said):
        found = score_module(network(nn.GELU()), batch, **FEW)
    assert found.regions is None
    assert found.region_details.signs == {"gelu": 36}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegionsWarning)
        of_relu = score_module(network(nn.ReLU()), batch, **FEW)
    # What enters is the same in both networks, and so is the pattern.
    assert found["linear_regions"] == found.expressivity == of_relu.regions > 1


@pytest.mark.parametrize("norm", [True, False])
def test_passes_are_smaller_where_they_would_not_fit(batch, norm, monkeypatch):
    seen = []
    layers = network(nn.ReLU(), norm=norm)
    layers.insert(0, Function(lambda x: (seen.append(len(x)), x)[1]))
    monkeypatch.setattr("tegnas.regions.probe.PASS_BYTES", 1000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        score_module(layers, batch, **FEW)
    said = [str(each.message) for each in caught if "passes of 16 inputs" in str(each.message)]
    # Without BatchNorm it makes no difference, and nothing is said.
    assert len(said) == norm
    assert max(seen) == 16


def test_progress_tells_parts_and_what_remains(batch):
    told: list[ScoreProgress] = []
    score_module(
        network(nn.ReLU()),
        batch,
        progress=told.append,
        indicators=("ntk_condition", "linear_regions"),
        region_samples=60,
        region_batch_size=25,
    )
    assert [(each.part, each.done, each.total) for each in told] == [
        ("kernels", 0, 4),
        ("kernels", 4, 4),
        ("regions", 0, 60),
        ("regions", 25, 60),
        ("regions", 50, 60),
        ("regions", 60, 60),
    ]
    assert all(each.remaining >= 0 for each in told) and told[-1].remaining == 0
    assert told[0].remaining > 0


def test_progress_stops_a_score_and_leaves_the_network(batch):
    def stop(progress: ScoreProgress) -> None:
        if progress.part == "regions" and progress.done:
            raise KeyboardInterrupt

    layers = network(nn.ReLU()).train()
    before = state_of(layers)
    with pytest.raises(KeyboardInterrupt):
        score_module(layers, batch, progress=stop, **FEW)
    assert state_of(layers) == before


def test_two_inputs_that_are_looked_at_do_not_tell_how_long_all_will_take(monkeypatch):
    probed = module_regions._probed

    def slow(*arguments):
        shape, found = probed(*arguments)
        return shape, replace(found, seconds_per_input=9.0)

    monkeypatch.setattr(module_regions, "_probed", slow)
    network = nn.Sequential(nn.Flatten(), nn.Linear(27, 4), nn.ReLU(), nn.Linear(4, 2))
    plan = module_regions.plan_regions(
        network, torch.randn(4, 3, 8, 8), ScoreSettings(), (3, 3, 3), stacklevel=1
    )
    assert 0 < plan.seconds < 60 and plan.samples == 1000


def test_a_long_score_says_how_long_it_will_take():
    meter = ProgressMeter(None, {"kernels": 10, "regions": 10}, {"kernels": 45.0, "regions": 100.0})
    with pytest.warns(LongScoreWarning, match=r"about 2:25 min \(kernels 45 s, regions 1:40 min\)"):
        meter.start("kernels")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        meter.start("regions")
        ProgressMeter(None, {"kernels": 10}, {"kernels": 59.0}).start("kernels")
