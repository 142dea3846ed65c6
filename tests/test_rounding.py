"""Kernels in float32 and float64 differ by rounding, but where a ReLU's input is nearly zero."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tegnas import get_space, load_batch, ops
from tegnas.engine.lowering import lower_module
from tegnas.reference import with_batch_statistics

SPACE = get_space("nas-bench-201")


def diagonal(network: nn.Module, images: Tensor) -> Tensor:
    """Of the frozen kernel, by the engine in the type of the images."""
    lowered = lower_module(network, tuple(images.shape[1:]), lambda name: True)
    program = lowered.program.encode(len(lowered.parameters))
    zero = torch.zeros(1, dtype=torch.int64)
    jobs = ops.EngineJobs([program], zero, lowered.parameters.to(images.dtype), zero)
    return ops.engine_ntk(jobs, images)[0][0].diagonal()


def nearest_to_zero(network: nn.Module, images: Tensor) -> Tensor:
    """For every image the input of a ReLU nearest to zero, other than zero."""
    network = with_batch_statistics(network, "frozen")
    nearest: list[Tensor] = []

    def look(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        sizes = inputs[0].flatten(1).abs()
        nearest.append(sizes.where(sizes > 0, torch.inf).min(1).values)

    for layer in network.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_pre_hook(look)
    with torch.no_grad():
        network(images)
    return torch.stack(nearest).min(0).values


# Of one path through two convolutions, of convolutions alone, and of all operations.
@pytest.mark.parametrize("short", ["200030", "333333", "324142"])
def test_images_away_from_the_kinks_have_the_same_diagonal_in_float32(short: str) -> None:
    images = load_batch("noise", train=32, val=2).images
    network = SPACE.network(SPACE.parse(short), "proxy", seed=0)
    single = diagonal(network, images)
    double = diagonal(network, images.double())
    away = nearest_to_zero(network.double(), images.double()) > 1e-5
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
    torch.testing.assert_close(diagonal(network, images), torch.tensor([2.0, 11.0, 2.0]).double())
