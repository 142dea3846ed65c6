"""SWAP-score (Peng et al., ICLR 2024)."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.outputs import relu_patterns
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics

# Of more images nearly every unit has a pattern of its own.
_IMAGES = 32


def swap(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Number of distinct patterns that units show over a mini-batch, of all ReLU units.

    Without the regularisation by the number of parameters, which has constants for each space.
    """
    with batch_statistics(network, "frozen"):
        patterns = relu_patterns(network, images[:_IMAGES])
    found = np.unique(
        np.concatenate([np.packbits(each.T.cpu().numpy(), axis=1) for each in patterns]),
        axis=0,
    )
    return float(len(found))


SWAP = Indicator(
    name="swap",
    symbol="SWAP",
    title="distinct activation patterns of units over a mini-batch",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=swap,
    citation="Peng et al., arXiv 2403.04161, definition 3.3",
    whole=True,
)
