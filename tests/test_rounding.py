"""Kernels in float32 and float64 differ by rounding, but where a ReLU's input is nearly zero."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.rounding import NEAR, by_engine, nearest_to_zero
from tegnas import get_space, load_batch

SPACE = get_space("nas-bench-201")


# Of one path through two convolutions, of convolutions alone, and of all operations.
@pytest.mark.parametrize("short", ["200030", "333333", "324142"])
def test_images_away_from_the_kinks_have_the_same_diagonal_in_float32(short: str) -> None:
    images = load_batch("noise", train=32, val=2).images
    network = SPACE.network(SPACE.parse(short), "proxy", seed=0)
    single = by_engine(network, images)
    double = by_engine(network, images.double())
    away = nearest_to_zero(network, images) > NEAR
    assert away.sum() > len(images) / 2
    torch.testing.assert_close(single[away], double[away], rtol=5e-6, atol=0)


def test_the_derivative_jumps_where_an_input_of_a_relu_crosses_zero() -> None:
    network = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(2, 1, bias=False))
    images = torch.tensor([[1.0, -1e-9], [1.0, 1e-9], [1.0, 0.0]]).view(3, 2, 1, 1)
    network.insert(0, nn.Conv2d(2, 2, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(2).view(2, 2, 1, 1))
        network[3].weight.copy_(torch.tensor([[1.0, 3.0]]))
    # x² (1 + w²) over the channels that the ReLU lets through: 1 + 1, and 9 more behind the jump.
    torch.testing.assert_close(by_engine(network, images), torch.tensor([2.0, 11.0, 2.0]).double())
