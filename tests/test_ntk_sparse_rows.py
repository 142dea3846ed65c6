"""Embeddings, whose rows are mostly zero, and LayerNorms with a forward of their own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tensors import relative_error
from torch import nn

import tegnas
from tegnas.kernel.layer_terms import is_native
from tegnas.kernel.row_products import Rows, product


class Text(nn.Module):
    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, width)
        self.classifier = nn.Linear(width, 3)

    def forward(self, x):
        return self.classifier(self.table(x.long()).mean(1).tanh())


def texts(images: int, tokens: int) -> torch.Tensor:
    return torch.randint(0, tokens, (images, 7), generator=torch.Generator().manual_seed(1)).float()


def rows_by_autograd(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    weights = [w for name, w in network.named_parameters() if name.endswith("weight")]
    return torch.stack(
        [
            torch.cat([g.flatten() for g in torch.autograd.grad(network(x)[i].sum(), weights)])
            for i in range(len(x))
        ]
    ).double()


@pytest.mark.filterwarnings("ignore::tegnas.kernel.AutogradLayersWarning")
def test_the_kernel_of_an_embedding_and_between_two_batches():
    network = Text(500, 6)
    x, y = texts(6, 500), texts(4, 90)
    j, other = rows_by_autograd(network, x), rows_by_autograd(network, y)
    assert relative_error(tegnas.ntk(network, x), j @ j.T) < 1e-6
    assert relative_error(tegnas.ntk(network, x, y), j @ other.T) < 1e-6


def test_rows_of_an_embedding_are_kept_sparse():
    weight = torch.zeros(1000, 8)
    rows = Rows(3, weight)
    gradient = torch.zeros(1000, 8)
    gradient[[5, 900]] = torch.randn(2, 8)
    rows.add(1, gradient.flatten())
    kept = rows.result()
    assert kept.is_sparse and kept.values().numel() == 16
    assert torch.equal(kept.to_dense()[1], gradient.flatten())


@pytest.mark.parametrize("sides", ["sparse sparse", "sparse dense", "dense sparse", "dense dense"])
def test_products_of_dense_and_sparse_rows(sides):
    made = []
    for side, seed, images in zip(sides.split(), (0, 1), (4, 3), strict=True):
        generator = torch.Generator().manual_seed(seed)
        share = 0.02 if side == "sparse" else 1.0
        dense = torch.randn(images, 900, generator=generator)
        dense *= torch.rand(images, 900, generator=generator) < share
        rows = Rows(images, torch.zeros(900))
        for image, row in enumerate(dense):
            rows.add(image, row)
        assert rows.result().is_sparse == (side == "sparse")
        made.append((dense.double(), rows.result()))
    (left, left_rows), (right, right_rows) = made
    assert relative_error(product(left_rows, right_rows), left @ right.T) < 1e-12


def test_rows_turn_dense_with_the_first_dense_one():
    rows = Rows(2, torch.zeros(50))
    sparse, dense = torch.zeros(50), torch.ones(50)
    sparse[3] = 2
    rows.add(0, sparse)
    rows.add(1, dense)
    assert torch.equal(rows.result(), torch.stack([sparse, dense]))


class Fast(nn.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class ChannelsFirst(nn.LayerNorm):
    def forward(self, x):
        x = F.layer_norm(
            x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps
        )
        return x.permute(0, 3, 1, 2)


class WithoutMean(nn.LayerNorm):
    def forward(self, x):
        return x * x.square().mean(-1, keepdim=True).add(self.eps).rsqrt() * self.weight


@pytest.mark.parametrize("norm", [Fast, ChannelsFirst])
def test_layer_norms_that_compute_the_same_are_native(norm):
    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 5, 2, 2), norm(5)
            self.classifier = nn.Linear(5, 3)
            nn.init.normal_(self.norm.weight)

        def forward(self, x):
            x = self.conv(x)
            if norm is Fast:
                x = self.norm(x.movedim(1, -1)).movedim(-1, 1)
            else:
                x = self.norm(x)
            return self.classifier(x.tanh().mean((2, 3)))

    network = Patches()
    # As high and wide as there are channels, so that the shape alone doesn't tell them apart.
    x = torch.randn(4, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    details = tegnas.ntk(network, x, details=True)
    j = rows_by_autograd(network, x)
    assert details.autograd == ()
    assert relative_error(details.kernel, j @ j.T) < 1e-5


def test_a_layer_norm_that_computes_otherwise_is_not():
    assert is_native(nn.LayerNorm(5)) and not is_native(WithoutMean(5))
