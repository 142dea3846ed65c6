"""SNIP (Lee et al., ICLR 2019), summed over the network."""

from __future__ import annotations

from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.weights import loss_gradients
from tegnas.indicators.sources import Network


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ |θ ∂L/∂θ|: how much the loss would change if weights were taken away."""
    return float(sum((w * g).abs().sum() for w, g in loss_gradients(network, images, labels)))


SNIP = Indicator(
    name="snip",
    symbol="SNIP",
    title="sum of connection sensitivities |θ ∂L/∂θ|",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=snip,
    citation="Lee et al., arXiv 1810.02340, eq. 6; Abdelfattah et al., arXiv 2101.08134, eq. 1",
    log_scale=True,
)
