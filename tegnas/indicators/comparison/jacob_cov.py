"""Jacobian covariance (the first version of Mellor et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.loss import derived, differentiable
from tegnas.indicators.sources import Network
from tegnas.kernel.gradients import logits_of

_EPSILON = 1e-5


def jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """−Σ log(σ + ε) + 1 / (σ + ε), σ the eigenvalues of the correlations of the images' Jacobians.

    A Jacobian is the gradient of the sum of all logits by the pixels of its image, and ε is 1e-5.
    Higher is better. NaN if an image has a constant Jacobian, which is correlated with nothing.

    Raises:
        InputError: fewer than two images, or no logits.
    """
    if len(images) < 2:
        raise InputError("Jacobian covariance compares images; give two or more")
    with differentiable(network):
        pixels = images.detach().clone().requires_grad_(True)
        (rows,) = derived(logits_of(network, pixels).sum(), [pixels])
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
