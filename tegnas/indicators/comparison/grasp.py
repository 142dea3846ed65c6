"""GraSP (Wang et al., ICLR 2020), summed over the network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.weights import layer_weights
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics


def grasp(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """−θᵀ H g, H the Hessian and g the gradient of the loss (temperature 1)."""
    weights = layer_weights(network)
    with torch.enable_grad(), batch_statistics(network, "coupled"):
        loss = F.cross_entropy(network(images), labels)
        first = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
        used = [(w, g) for w, g in zip(weights, first, strict=True) if g is not None]
        product = sum((g.detach() * g).sum() for _, g in used)
        assert isinstance(product, Tensor)
        second = torch.autograd.grad(product, [w for w, _ in used], allow_unused=True)
    terms = [
        (-weight.detach() * hessian).sum()
        for (weight, _), hessian in zip(used, second, strict=True)
        if hessian is not None
    ]
    return float(sum(terms))


GRASP = Indicator(
    name="grasp",
    symbol="GraSP",
    title="sum of −θ · Hg, what taking weights away does to the gradient's norm",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=grasp,
    citation="Wang et al., arXiv 2002.07376, eq. 8; Abdelfattah et al., arXiv 2101.08134, eq. 1",
)
