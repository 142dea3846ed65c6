"""Accuracies of trained architectures, to compare a training-free search with."""

from __future__ import annotations

from tegnas.benchmarks.nats import load_nats_bench
from tegnas.benchmarks.table import AccuracyTable, load_columns, load_table

__all__ = ["AccuracyTable", "load_columns", "load_nats_bench", "load_table"]
