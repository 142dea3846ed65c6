"""Every space goes the whole way: a search within limits, its report, its export, its training."""

from __future__ import annotations

import math
import random
import types

import pytest
import torch
from few_digits import few_digits
from paper import paper_settings

import tegnas
from tegnas.data.dataset import Dataset
from tegnas.export import from_json, genotype_text, pytorch_source, to_json
from tegnas.networks.full import full_network
from tegnas.search import Limits, SearchResult, search
from tegnas.spaces import get_space, space_names
from tegnas.spaces.mobile_space import MobileSpace
from tegnas.spaces.sizes import full_flops, full_parameters
from tegnas.train import Recipe, train

SETTINGS = paper_settings(repeats=1, region_samples=16, region_batch_size=16)


def small(space) -> dict[str, int]:
    """As small as its networks are made; some have as many layers as their architecture says."""
    return {"channels": 8} if isinstance(space, MobileSpace) else {"channels": 8, "cells": 1}


@pytest.fixture(scope="module")
def batch():
    return tegnas.load_batch("digits", train=6, val=6, seed=0)


@pytest.fixture(scope="module")
def few() -> Dataset:
    return few_digits(12, 6)


@pytest.mark.parametrize("name", space_names())
def test_a_search_within_limits_is_reported(name, batch, tmp_path):
    pytest.importorskip("plotly", reason="reports need the extra plot")
    from tegnas.analysis.report import write_report
    from tegnas.analysis.runs import load_runs

    space, rng = get_space(name), random.Random(0)
    drawn = [space.sample(rng) for _ in range(4)]
    limits = Limits(
        params=sorted(full_parameters(space, arch) for arch in drawn)[2],
        flops=max(full_flops(space, arch) for arch in drawn),
    )
    search(space, batch, "random", 3, settings=SETTINGS, limits=limits, out=tmp_path / "run")
    result = SearchResult.load(tmp_path / "run" / "result.json", space)
    assert len(result.history) == 3
    for each in result.history:
        assert full_parameters(space, each.arch) <= limits.params
        assert full_flops(space, each.arch) <= limits.flops
    write_report(load_runs([tmp_path / "run"]), tmp_path / "report.html")
    assert name in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("name", space_names())
def test_an_architecture_is_exported_and_trained(name, few, tmp_path):
    space = get_space(name)
    arch = space.sample(random.Random(1))
    assert from_json(to_json(space, arch))[1] == arch
    assert space.parse(genotype_text(space, arch)) == arch
    recipe = Recipe(epochs=1, batch_size=6, flip=False, auxiliary=0.0)
    trained = train(space, arch, few, recipe, out=tmp_path / "run", **small(space))
    assert math.isfinite(trained.epochs[0].train_loss)
    module = types.ModuleType("written")
    exec(
        compile(pytorch_source(space, arch, **small(space)), "written.py", "exec"), module.__dict__
    )
    written = module.Network()
    network = full_network(space, arch, **small(space))
    network.load_state_dict(trained.network.state_dict(), strict=False)
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(
            written.eval()(images), network.eval()(images), rtol=1e-4, atol=1e-4
        )
