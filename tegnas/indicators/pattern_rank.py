"""How many directions the activation patterns of the images span.

Two images are as far apart as the number of units by whose activity they differ: a squared
Euclidean distance between patterns of zeros and ones.
"""

from __future__ import annotations

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.sources import Distances
from tegnas.ops import pattern_rank

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
