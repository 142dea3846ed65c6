"""Search: strategies, the driver, its store and its result."""

from __future__ import annotations

from tegnas.search.driver import DEFAULT_BUDGET, Progress, search
from tegnas.search.evaluation import Evaluation
from tegnas.search.result import SearchResult
from tegnas.search.strategies import Strategy, make_strategy, strategy_names

__all__ = [
    "DEFAULT_BUDGET",
    "Evaluation",
    "Progress",
    "SearchResult",
    "Strategy",
    "make_strategy",
    "search",
    "strategy_names",
]
