"""Jacobian covariance (the first version of Mellor et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics

_EPSILON = 1e-5


def jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """−Σ log(σ + ε) + 1 / (σ + ε), σ the eigenvalues of the correlations of the images' Jacobians.

    A Jacobian is the gradient of the summed logits by the pixels of its image.
    """
    with torch.enable_grad(), batch_statistics(network, "coupled"):
        pixels = images.detach().clone().requires_grad_(True)
        (rows,) = torch.autograd.grad(network(pixels).sum(), pixels)
    correlations = torch.corrcoef(rows.flatten(1).double())
    if not bool(correlations.isfinite().all()):
        return float("nan")
    shifted = torch.linalg.eigvalsh(correlations) + _EPSILON
    return float(-(shifted.log() + 1 / shifted).sum())


JACOB_COV = Indicator(
    name="jacob_cov",
    symbol="jacob cov",
    title="how uncorrelated the images' input Jacobians are",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=jacob_cov,
    citation="Mellor et al., arXiv 2006.04647v1, eq. 4",
)
