"""The public benchmarks whose tables are known, one file each."""

from __future__ import annotations

from tegnas.benchmarks.formats.base import Row, TableFormat
from tegnas.benchmarks.formats.darts import DARTS_CIFAR10, NAS_BENCH_301
from tegnas.benchmarks.formats.mnasnet import ACCEL_NASBENCH
from tegnas.benchmarks.formats.nasbench101 import NAS_BENCH_101
from tegnas.benchmarks.formats.nasbench201 import NAS_BENCH_201
from tegnas.benchmarks.formats.nasbench_macro import NAS_BENCH_MACRO
from tegnas.benchmarks.formats.transnas import TRANSNAS_MACRO, TRANSNAS_MICRO
from tegnas.benchmarks.formats.vit_bench import VIT_BENCH_101

# The first that a table fits is taken.
FORMATS: tuple[TableFormat, ...] = (
    NAS_BENCH_201,
    NAS_BENCH_101,
    TRANSNAS_MICRO,
    TRANSNAS_MACRO,
    NAS_BENCH_MACRO,
    ACCEL_NASBENCH,
    DARTS_CIFAR10,
    NAS_BENCH_301,
    VIT_BENCH_101,
)

__all__ = ["FORMATS", "Row", "TableFormat"]
