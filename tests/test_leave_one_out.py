"""Variance inflation and leave-one-out error, against one regression per image."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tegnas import load_batch, ntk, score, score_module
from tegnas.ops import leave_one_out
from tegnas.reference import leave_one_out_by_regressions as by_regressions
from tegnas.spaces import ChoiceSpace, get_space

SPACE = get_space("nas-bench-201")
T, G = "variance_inflation", "leave_one_out_error"
ARCH = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


def kernels(count: int, n: int, seed: int, columns: int | None = None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, n, columns or 2 * n, generator=generator, dtype=torch.float64)
    rows = rows * torch.rand(count, n, 1, generator=generator, dtype=torch.float64).exp()
    return rows @ rows.mT


@given(st.integers(1, 4), st.integers(2, 20), st.integers(0, 2**20))
def test_it_is_what_regressions_without_each_image_give(count, n, seed):
    batch = kernels(count, n, seed)
    inflation, error = leave_one_out(batch)
    for index, kernel in enumerate(batch):
        expected = by_regressions(kernel)
        assert inflation[index].item() == pytest.approx(expected[0], rel=1e-8)
        assert error[index].item() == pytest.approx(expected[1], rel=1e-8)


def test_inflation_is_a_condition_number_of_the_angles():
    kernel = kernels(1, 12, 0)[0]
    lengths = kernel.diagonal().sqrt()
    angles = kernel / lengths[:, None] / lengths
    values = torch.linalg.eigvalsh(angles)
    inflation, _ = leave_one_out(kernel)
    assert inflation.item() == pytest.approx((values.mean() * (1 / values).mean()).item())
    assert inflation.item() == pytest.approx(leave_one_out(angles)[0].item())
    assert leave_one_out(torch.eye(5, dtype=torch.float64)) == (1.0, 1.0)


def searched(name: str) -> bool:
    return name.startswith("stage")


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_a_score_is_that_of_the_searched_weights_of_a_deep_network_on_shrunk_images(
    engine, batch_norm
):
    batch = load_batch("noise", train=10, val=4, seed=0)
    scores = score(
        [ARCH],
        batch,
        space=SPACE,
        image_size=8,
        batch_norm=batch_norm,
        repeats=2,
        region_samples=20,
        engine=engine,
    )
    for repeat in range(2):
        network = SPACE.network(SPACE.parse(ARCH), "deep", seed=repeat)
        kernel = ntk(network, batch.shrunk(8).images, batch_norm=batch_norm, params=searched)
        expected = by_regressions(kernel)
        found = [scores.networks[name][0, repeat].item() for name in (T, G)]
        assert found == pytest.approx(expected, rel=2e-3)


def test_a_module_is_scored_on_its_own_images():
    batch = load_batch("noise", train=10, val=4, seed=0, size=12)
    network = SPACE.network(SPACE.parse(ARCH), "deep")
    found = score_module(network, batch, image_size=8, region_samples=20)
    kernel = ntk(network, batch.images, params=searched)
    assert found.trainability == pytest.approx(by_regressions(kernel)[0], rel=1e-6)
    assert found.searched == "searched"


def test_a_cell_without_weights_fails_though_its_network_has_some():
    batch = load_batch("noise", train=10, val=4, seed=0)
    arch = "|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    for name, finite in (("ntk_condition", True), (T, False)):
        scores = score([arch], batch, space=SPACE, indicators=[name], repeats=1)
        assert bool(scores[name].isfinite()) is finite


def own_space() -> ChoiceSpace:
    def build(choices: Mapping[str, object], num_classes: int) -> nn.Module:
        width = choices["width"]
        layers = nn.Conv2d(3, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        return nn.Sequential(*layers, nn.Linear(width, num_classes))

    return ChoiceSpace("own", {"width": (4, 8)}, build)


def test_a_space_without_deep_networks_is_scored_by_its_proxies():
    space, batch = own_space(), load_batch("noise", train=8, val=4, seed=0, size=8)
    arch = space.sample(random.Random(0))
    found = score([arch], batch, space=space, repeats=1, region_samples=20)
    network = space.network(arch, num_classes=batch.num_classes)
    kernel = ntk(network, batch.images, params="searched")
    assert found.trainability.item() == pytest.approx(by_regressions(kernel)[0], rel=2e-3)


def test_images_are_shrunk_but_never_enlarged():
    batch = load_batch("noise", train=4, val=2, seed=0, size=12)
    assert batch.shrunk(12) is batch and batch.shrunk(20) is batch
    small = batch.shrunk(6)
    assert small.images.shape == (4, 3, 6, 6) and small.val_images.shape == (2, 3, 6, 6)
    assert small.labels is batch.labels
