"""Kernels of parameters that are added to every image, or repeated for every image."""

from __future__ import annotations

import warnings

import pytest
import torch
from networks import Logits, images, randomise
from torch import Tensor, nn

from tegnas.kernel import AutogradLayersWarning, ntk

N = 6


def kernel(network: nn.Module, x: Tensor, **options: str) -> tuple[Tensor, bool]:
    """The kernel, and whether it took a backward pass per image."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = ntk(network, x, **options)
    return found, any(each.category is AutogradLayersWarning for each in caught)


class Added(nn.Module):
    """A parameter of some shape that joins a batch (N, 4, 3) in one of several ways."""

    def __init__(self, shape: tuple[int, ...], way: str) -> None:
        super().__init__()
        self.added = nn.Parameter(torch.zeros(shape))
        self.way = way
        self.logits = Logits()

    def forward(self, x: Tensor) -> Tensor:
        joined = getattr(self, self.way)(x)
        return self.logits(joined * joined)

    def plus(self, x: Tensor) -> Tensor:
        return x + self.added

    def in_front(self, x: Tensor) -> Tensor:
        return self.added + x

    def as_a_token(self, x: Tensor) -> Tensor:
        return torch.cat([self.added.expand(len(x), -1, -1), x], 1)

    def as_a_repeated_token(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.added.repeat(len(x), 1, 1)], 1)

    def of_the_image_before(self, x: Tensor) -> Tensor:
        return (x + self.added).roll(1, 0)

    def of_several_images(self, x: Tensor) -> Tensor:
        return (x + self.added).cumsum(0)

    def scaled(self, x: Tensor) -> Tensor:
        return torch.add(x, self.added, alpha=2)

    def twice(self, x: Tensor) -> Tensor:
        return x + self.added + (x * x + self.added)

    def folded(self, x: Tensor) -> Tensor:
        return (x.flatten(0, 1) + self.added).unflatten(0, x.shape[:2])

    def of_each_image(self, x: Tensor) -> Tensor:
        return x + self.added


CASES = [
    ("plus", (1, 4, 3), False),
    ("plus", (4, 1), False),
    ("plus", (3,), False),
    ("plus", (1,), False),
    ("in_front", (1, 1, 3), False),
    ("as_a_token", (1, 1, 3), False),
    ("as_a_token", (1, 2, 3), False),
    ("as_a_repeated_token", (1, 2, 3), False),
    ("of_the_image_before", (1, 4, 3), True),
    ("of_several_images", (1, 4, 3), True),
    ("scaled", (1, 4, 3), True),
    ("twice", (1, 4, 3), True),
    ("folded", (1, 3), True),
    ("of_each_image", (N, 4, 3), True),
]


@pytest.mark.parametrize(("way", "shape", "autograd"), CASES)
def test_rows_are_those_of_autograd(way, shape, autograd):
    network, x = randomise(Added(shape, way)), images(N, 4, 3)
    rows = [
        torch.autograd.grad(scalar, [network.added], retain_graph=True)[0].flatten()
        for scalar in network(x).sum(1)
    ]
    found, one_by_one = kernel(network, x)
    torch.testing.assert_close(found, torch.stack(rows) @ torch.stack(rows).T)
    assert one_by_one == autograd


def test_between_two_batches():
    network, x = randomise(Added((1, 4, 3), "plus")), images(N, 4, 3)
    cross = ntk(network, x, x[:2])
    torch.testing.assert_close(cross, ntk(network, x)[:, :2])


def test_kernels_of_the_single_logits():
    network, x = randomise(Added((1, 4, 3), "plus")), images(N, 4, 3)
    expected = 0
    for logit in range(12):
        rows = [
            torch.autograd.grad(scalar, [network.added], retain_graph=True)[0].flatten()
            for scalar in network(x)[:, logit]
        ]
        expected += torch.stack(rows) @ torch.stack(rows).T
    found, one_by_one = kernel(network, x, outputs="trace")
    torch.testing.assert_close(found, expected)
    assert not one_by_one


@pytest.mark.parametrize("count", [1, 70])
def test_any_number_of_images(count):
    network, x = randomise(Added((1, 1, 3), "as_a_token")), images(count, 4, 3)
    network.way = "plus"
    found, one_by_one = kernel(network, x)
    gradients = [
        torch.autograd.grad(scalar, [network.added], retain_graph=True)[0].flatten()
        for scalar in network(x).sum(1)
    ]
    torch.testing.assert_close(found, torch.stack(gradients) @ torch.stack(gradients).T)
    assert not one_by_one
