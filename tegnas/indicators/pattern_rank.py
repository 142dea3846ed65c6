"""How many directions the activation patterns of the images span.

Two images are as far apart as the number of units by whose activity they differ: a squared
Euclidean distance between patterns of zeros and ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.sources import Distances


def pattern_rank(distances: Tensor) -> Tensor:
    """exp(−Σ p log p), where p = λ / Σ λ of the eigenvalues of −J D J, J = I − 1 1ᵀ / N.

    −J D J is twice the Gram of the patterns less their mean (classical multidimensional scaling):
    its rank goes from 1, where images differ along one line of patterns, to N − 1, where they
    differ by as much in every direction.

    Args:
        distances: squared Euclidean distances D, float64 (..., N, N).

    Returns:
        Float64 (...); NaN where all distances are 0.
    """
    rows = distances.mean(-1, keepdim=True)
    centred = rows + rows.mT - distances - rows.mean(-2, keepdim=True)
    eigenvalues = torch.linalg.eigvalsh(centred).clamp(min=0)  # below it by rounding alone
    parts = eigenvalues / eigenvalues.sum(-1, keepdim=True)
    return torch.special.entr(parts).sum(-1).exp()


PATTERN_RANK = Indicator(
    name="pattern_rank",
    symbol="PR",
    title="effective rank of the images' activation patterns",
    role=EXTRA,
    better=HIGHER,
    source=Distances(),
    compute=pattern_rank,
    weight=0.5,  # chosen by the sixth study (docs/studies/ranking-sixth.md)
    citation="effective rank: Roy & Vetterli, EUSIPCO 2007; kernel of patterns: Mellor et al., "
    "arXiv 2006.04647",
)
