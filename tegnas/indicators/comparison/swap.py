"""SWAP-score (Peng et al., ICLR 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.relus import active_units
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics

# Of more images nearly every unit has a pattern of its own. A pattern then fits an integer.
_IMAGES = 32


def swap(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Number of distinct patterns that ReLU units show over the first 32 images. Higher is better.

    The pattern of a unit is on which images it is active. As in the released code only ReLUs of
    feature maps count; all of them where there are no feature maps. Without the regularisation by
    the number of parameters, which has constants for each space.

    Raises:
        InputError: the network calls no ReLU.
    """
    images = images[:_IMAGES]
    with batch_statistics(network, "frozen"):
        units = active_units(network, images)
    of_maps = [each for each in units if each.dim() == 4] or units
    powers = 2 ** torch.arange(len(images), device=images.device)[:, None]
    patterns = torch.cat([(each.flatten(1) * powers).sum(0) for each in of_maps])
    return float(len(patterns.unique()))


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
