"""Neural architecture search without training (TEG-NAS, arXiv 2108.11939)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tegnas._version import __version__

if TYPE_CHECKING:
    from tegnas.benchmarks import (
        AccuracyTable,
        Benchmark,
        load_benchmark,
        load_nats_bench,
        load_table,
    )
    from tegnas.data import Batch, batch_of, load_batch
    from tegnas.errors import InputError, NativeCodeError
    from tegnas.indicators import Indicator, get_indicator, indicator, indicator_names
    from tegnas.kernel import KernelDetails, ntk
    from tegnas.refine import RefineResult, ShortTrainer, TableTrainer, refine
    from tegnas.regions import count_regions
    from tegnas.scoring import (  # type: ignore[no-redef]  # mypy sees the module score as well
        ModuleScore,
        Scores,
        ScoreSettings,
        get_preset,
        score,
        score_module,
    )
    from tegnas.search import Evaluation, SearchResult, search, strategy_names
    from tegnas.spaces import Space, get_space

# Where the names are. They are imported when they are first asked for, so that the command's help
# doesn't wait for torch. ``search`` and ``refine`` are the packages, which can be called.
_HOMES = {
    "AccuracyTable": "benchmarks",
    "Batch": "data",
    "Benchmark": "benchmarks",
    "Evaluation": "search",
    "Indicator": "indicators",
    "InputError": "errors",
    "KernelDetails": "kernel",
    "ModuleScore": "scoring",
    "NativeCodeError": "errors",
    "RefineResult": "refine",
    "ScoreSettings": "scoring",
    "Scores": "scoring",
    "SearchResult": "search",
    "ShortTrainer": "refine",
    "Space": "spaces",
    "TableTrainer": "refine",
    "batch_of": "data",
    "count_regions": "regions",
    "get_indicator": "indicators",
    "get_preset": "scoring",
    "get_space": "spaces",
    "indicator": "indicators",
    "indicator_names": "indicators",
    "load_batch": "data",
    "load_benchmark": "benchmarks",
    "load_nats_bench": "benchmarks",
    "load_table": "benchmarks",
    "ntk": "kernel",
    "score": "scoring",
    "score_module": "scoring",
    "strategy_names": "search",
}

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
    "batch_of",
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


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"tegnas.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if not name.startswith("__"):
        try:
            return importlib.import_module(f"tegnas.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"tegnas.{name}":
                raise
    raise AttributeError(f"module 'tegnas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
