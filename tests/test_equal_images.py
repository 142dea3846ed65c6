"""Equal images in a batch: kernels are singular, whichever engine computes them."""

from __future__ import annotations

import random

import pytest
import torch

import tegnas
from tegnas import ops


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("batch_norm", ["coupled", "frozen"])
def test_the_kernel_of_equal_images_is_singular_on_every_engine(engine, batch_norm):
    space = tegnas.get_space("nas-bench-201")
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    images[6] = images[2]
    for seed in range(2):
        network = space.network(space.sample(random.Random(seed)), "proxy", seed=seed)
        kernel = tegnas.ntk(network, images, batch_norm=batch_norm, engine=engine)
        assert torch.equal(kernel[6], kernel[2])
        assert ops.eig_condition(kernel).condition.isinf()


def test_the_cross_kernel_has_equal_columns():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 2),
    )
    x = torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    y = torch.cat([x[:2] + 1, x[:1] + 1])
    x[3] = x[1]
    for engine in ("native", "torch"):
        kernel = tegnas.ntk(network, y, x, batch_norm="coupled", engine=engine)
        assert torch.equal(kernel[0], kernel[2]) and torch.equal(kernel[:, 3], kernel[:, 1])


def test_first_equals_tells_images_apart_by_every_number():
    images = torch.zeros(5, 2, 3)
    images[1, 1, 2], images[3, 1, 2], images[4] = 1e-30, 1e-30, float("nan")
    images[2] = -0.0
    assert ops.first_equals(images).tolist() == [0, 1, 0, 1, 4]


def test_images_that_the_network_tells_apart_stay_apart():
    images = torch.ones(3, 4)
    logits = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.5]])
    assert ops.first_equals(images, logits).tolist() == [0, 0, 2]
