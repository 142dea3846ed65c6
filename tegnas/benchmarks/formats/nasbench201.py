"""NAS-Bench-201 (Dong and Yang, ICLR 2020, arXiv 2001.00326)."""

from __future__ import annotations

from tegnas.benchmarks.formats.base import TableFormat

NAS_BENCH_201 = TableFormat(
    name="nas-bench-201",
    space="nas-bench-201",
    columns=("arch", "cifar10_test200"),
    truth=(
        "cifar10_test200",
        "cifar10_test200_seed1",
        "cifar100_test200",
        "imagenet16_test200",
        "imagenet16_120_test200",
    ),
    published=("params_M", "flops_M"),
    belongs=lambda row: row["arch"].startswith("|"),
)
