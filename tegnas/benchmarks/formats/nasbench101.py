"""NAS-Bench-101 (Ying et al., ICML 2019, arXiv 1902.09635)."""

from __future__ import annotations

from tegnas.benchmarks.formats.base import TableFormat

NAS_BENCH_101 = TableFormat(
    name="nas-bench-101",
    space="nas-bench-101",
    columns=("n", "adj", "ops"),
    truth=("val_mean", "test_mean"),
    architecture=lambda row: f"{row['adj']}|{row['ops']}",
)
