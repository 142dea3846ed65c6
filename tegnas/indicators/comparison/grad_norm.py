"""Gradient norm (Abdelfattah et al., ICLR 2021)."""

from __future__ import annotations

from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.weights import loss_gradients
from tegnas.indicators.sources import Network


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum over layers of the Euclidean norm of the gradient of the loss."""
    return float(sum(g.norm() for _, g in loss_gradients(network, images, labels)))


GRAD_NORM = Indicator(
    name="grad_norm",
    symbol="grad norm",
    title="sum of the norms of the layers' gradients of the loss",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=grad_norm,
    citation="Abdelfattah et al., arXiv 2101.08134, section 3.2",
    log_scale=True,
)
