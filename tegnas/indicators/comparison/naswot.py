"""NASWOT (Mellor et al., ICML 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.outputs import relu_patterns
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics


def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """log |det K|, K the number of ReLU units on which two images agree, over all ReLUs."""
    with batch_statistics(network, "frozen"):
        patterns = relu_patterns(network, images)
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    for pattern in patterns:
        active = pattern.float()
        inactive = 1 - active
        kernel += (active @ active.T + inactive @ inactive.T).double()
    return float(torch.linalg.slogdet(kernel).logabsdet)


NASWOT = Indicator(
    name="naswot",
    symbol="NASWOT",
    title="log-determinant of the kernel of agreeing ReLU units",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=naswot,
    citation="Mellor et al., arXiv 2006.04647, eq. 3",
)
