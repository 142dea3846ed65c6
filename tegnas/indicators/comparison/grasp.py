"""GraSP (Wang et al., ICLR 2020), summed over the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.layers import check_weights, weights_used
from tegnas.indicators.comparison.loss import cross_entropy, derived, differentiable
from tegnas.indicators.sources import Network


def grasp(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """−θᵀ H g, H the Hessian and g the gradient of the mean cross-entropy. Higher is better.

    θ are the weights of all convolutions and linear layers. The logits are not divided by a
    temperature, as by Abdelfattah et al. (Wang et al. prune with 200).

    Raises:
        InputError: no such layer, no logits, or labels that aren't among them.
    """
    with differentiable(network), weights_used(network) as weights:
        loss = cross_entropy(network, images, labels)
        check_weights(network, weights)
        gradients = derived(loss, weights, create_graph=True)
        squared = torch.stack([(g.detach() * g).sum() for g in gradients]).sum()
        products = derived(squared, weights)  # H g, since one of the two factors is held constant
    return -float(sum((w.detach() * p).sum() for w, p in zip(weights, products, strict=True)))


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
