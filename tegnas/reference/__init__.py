"""Everything that tegnas computes natively, in plain PyTorch: oracle and baseline."""

from __future__ import annotations

from tegnas.reference.leave_one_out import leave_one_out, leave_one_out_by_regressions
from tegnas.reference.ntk import jacobian, ntk, with_batch_statistics, with_fixed_statistics
from tegnas.reference.pattern_rank import pattern_rank
from tegnas.reference.regions import count_regions_pairwise

__all__ = [
    "count_regions_pairwise",
    "jacobian",
    "leave_one_out",
    "leave_one_out_by_regressions",
    "ntk",
    "pattern_rank",
    "with_batch_statistics",
    "with_fixed_statistics",
]
