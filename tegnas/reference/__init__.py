"""Everything that tegnas computes natively, in plain PyTorch: oracle and baseline."""

from __future__ import annotations

from tegnas.reference.ntk import jacobian, ntk, with_batch_statistics, with_fixed_statistics
from tegnas.reference.regions import count_regions_pairwise

__all__ = [
    "count_regions_pairwise",
    "jacobian",
    "ntk",
    "with_batch_statistics",
    "with_fixed_statistics",
]
