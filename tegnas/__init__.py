"""Neural architecture search without training (TEG-NAS, arXiv 2108.11939)."""

from __future__ import annotations

from tegnas._version import __version__
from tegnas.benchmarks import AccuracyTable, Benchmark, load_benchmark, load_nats_bench, load_table
from tegnas.data import Batch, load_batch
from tegnas.errors import InputError, NativeCodeError
from tegnas.indicators import Indicator, get_indicator, indicator, indicator_names
from tegnas.kernel import KernelDetails, ntk
from tegnas.refine import RefineResult, ShortTrainer, TableTrainer, refine
from tegnas.regions import count_regions
from tegnas.scoring import ModuleScore, Scores, ScoreSettings, get_preset, score, score_module
from tegnas.search import Evaluation, SearchResult, search, strategy_names
from tegnas.spaces import Space, get_space

__all__ = [
    "AccuracyTable",
    "Batch",
    "Benchmark",
    "Evaluation",
    "Indicator",
    "InputError",
    "KernelDetails",
    "ModuleScore",
    "NativeCodeError",
    "RefineResult",
    "ScoreSettings",
    "Scores",
    "SearchResult",
    "ShortTrainer",
    "Space",
    "TableTrainer",
    "__version__",
    "count_regions",
    "get_indicator",
    "get_preset",
    "get_space",
    "indicator",
    "indicator_names",
    "load_batch",
    "load_benchmark",
    "load_nats_bench",
    "load_table",
    "ntk",
    "refine",
    "score",
    "score_module",
    "search",
    "strategy_names",
]
