"""Search: strategies, the driver, its store and its result.

The package can be called: ``tegnas.search(space, batch)`` is ``tegnas.search.search``.
"""

from __future__ import annotations

from tegnas.callable_package import make_callable
from tegnas.search.constraints import Limits
from tegnas.search.costs import COSTS
from tegnas.search.driver import DEFAULT_BUDGET, Progress, search
from tegnas.search.evaluation import Evaluation
from tegnas.search.executors import EXECUTORS
from tegnas.search.pareto import ParetoFront, ParetoPoint
from tegnas.search.result import SearchResult
from tegnas.search.strategies import Strategy, make_strategy, strategy_names

__all__ = [
    "COSTS",
    "DEFAULT_BUDGET",
    "EXECUTORS",
    "Evaluation",
    "Limits",
    "ParetoFront",
    "ParetoPoint",
    "Progress",
    "SearchResult",
    "Strategy",
    "make_strategy",
    "search",
    "strategy_names",
]

make_callable(__name__, search)
