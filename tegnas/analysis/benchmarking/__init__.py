"""Recipes and single indicators on tables of public benchmarks, side by side."""

from __future__ import annotations

from tegnas.analysis.benchmarking.contestants import Contestant, contestants
from tegnas.analysis.benchmarking.figure import benchmark_figure
from tegnas.analysis.benchmarking.page import benchmark_page
from tegnas.analysis.benchmarking.rows import BenchmarkRow, benchmark_rows, mean_ranks
from tegnas.analysis.benchmarking.scored import ScoredBenchmark, drawn, score_benchmark

__all__ = [
    "BenchmarkRow",
    "Contestant",
    "ScoredBenchmark",
    "benchmark_figure",
    "benchmark_page",
    "benchmark_rows",
    "contestants",
    "drawn",
    "mean_ranks",
    "score_benchmark",
]
