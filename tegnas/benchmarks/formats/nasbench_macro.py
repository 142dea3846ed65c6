"""NAS-Bench-Macro (Su et al., CVPR 2021, arXiv 2103.11922)."""

from __future__ import annotations

from tegnas.benchmarks.formats.base import TableFormat

# The mean of three trainings, and each of them.
_TRUTH = ("acc", "s0", "s1", "s2")

NAS_BENCH_MACRO = TableFormat(
    name="nas-bench-macro",
    space="nas-bench-macro",
    columns=("arch", *_TRUTH),
    truth=_TRUTH,
    published=("params", "flops"),
)
