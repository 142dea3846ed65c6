"""ZiCo (Li et al., ICLR 2023)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.weights import loss_gradients
from tegnas.indicators.sources import Network


def zico(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ over layers of log Σ E|g| / √Var g, mean and variance over two halves of the batch.

    Weights whose gradients don't vary are left out.
    """
    if len(images) < 4:
        raise InputError(f"ZiCo takes two batches of two images or more, got {len(images)} images")
    half = len(images) // 2
    first = loss_gradients(network, images[:half], labels[:half])
    second = loss_gradients(network, images[half : 2 * half], labels[half : 2 * half])
    total = 0.0
    for (_, one), (_, other) in zip(first, second, strict=True):
        pair = torch.stack([one, other]).double()
        spread = pair.std(0, correction=0)
        varies = spread > 0
        ratio = float((pair.abs().mean(0)[varies] / spread[varies]).sum())
        if ratio > 0:
            total += math.log(ratio)
    return total


ZICO = Indicator(
    name="zico",
    symbol="ZiCo",
    title="inverse coefficient of variation of the gradients between batches",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=zico,
    citation="Li et al., arXiv 2301.11300, eq. 15",
)
