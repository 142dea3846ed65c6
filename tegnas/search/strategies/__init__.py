"""Search strategies behind one ask/tell interface."""

from __future__ import annotations

import inspect

from tegnas.errors import InputError
from tegnas.search.strategies.base import Strategy
from tegnas.search.strategies.evolution import Evolution
from tegnas.search.strategies.exhaustive import Exhaustive
from tegnas.search.strategies.fpnas import FPNas
from tegnas.search.strategies.local import LocalSearch
from tegnas.search.strategies.prune import Prune
from tegnas.search.strategies.random_search import RandomSearch
from tegnas.search.strategies.reinforce import Reinforce
from tegnas.spaces import Space

_STRATEGIES = {
    each.name: each
    for each in (RandomSearch, Exhaustive, LocalSearch, Evolution, Reinforce, Prune, FPNas)
}


def strategy_names() -> tuple[str, ...]:
    """The names that ``make_strategy`` knows."""
    return tuple(_STRATEGIES)


def make_strategy(name: str, space: Space, seed: int, **options: object) -> Strategy:
    """The strategy of that name; ``InputError`` names the known ones and the known options."""
    if name not in _STRATEGIES:
        raise InputError(f"unknown strategy {name!r}; tegnas knows {', '.join(_STRATEGIES)}")
    strategy = _STRATEGIES[name]
    parameters = inspect.signature(strategy).parameters
    known = [each for each in parameters if each not in ("space", "seed")]
    for option in options:
        if option not in known:
            listing = ", ".join(known) if known else "no options"
            raise InputError(f"strategy {name!r} has no option {option!r}; it has {listing}")
    return strategy(space, seed, **options)


__all__ = [
    "Evolution",
    "Exhaustive",
    "FPNas",
    "LocalSearch",
    "Prune",
    "RandomSearch",
    "Reinforce",
    "Strategy",
    "make_strategy",
    "strategy_names",
]
