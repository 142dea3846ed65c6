"""Expressivity: the number of linear regions that random inputs fall into.

In networks of smooth activations (GELU, SiLU, hardswish, …) these count by the sign of what enters
them: R is then a number of activation patterns that aren't linear regions, and the scores say so.
"""

from __future__ import annotations

from torch import Tensor

from tegnas.indicators.base import EXPRESSIVITY, HIGHER, Indicator
from tegnas.indicators.sources import Patterns


def _count(counts: Tensor) -> Tensor:
    return counts


LINEAR_REGIONS = Indicator(
    name="linear_regions",
    symbol="R",
    title="linear regions (distinct activation patterns) over small random inputs",
    role=EXPRESSIVITY,
    better=HIGHER,
    source=Patterns(),
    compute=_count,
    citation="TEG-NAS, arXiv 2108.11939, section 3.2; TE-NAS, arXiv 2102.11535, section 3.1.2",
    whole=True,
    version=3,
)
