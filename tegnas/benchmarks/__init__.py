"""Accuracies of trained architectures, to compare a training-free search with."""

from __future__ import annotations

from tegnas.benchmarks.nats import load_nats_bench
from tegnas.benchmarks.public import Benchmark, load_benchmark
from tegnas.benchmarks.table import AccuracyTable, load_columns, load_table

__all__ = [
    "AccuracyTable",
    "Benchmark",
    "load_benchmark",
    "load_columns",
    "load_nats_bench",
    "load_table",
]
