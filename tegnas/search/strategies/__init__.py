"""Search strategies behind one ask/tell interface."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints

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

_TYPE_NAMES = {int: "a whole number", float: "a number", str: "a word"}


def strategy_names() -> tuple[str, ...]:
    """The names that ``make_strategy`` knows."""
    return tuple(_STRATEGIES)


def make_strategy(name: str, space: Space, seed: int, **options: Any) -> Strategy:
    """The strategy of that name; ``InputError`` names the known ones and the known options."""
    if name not in _STRATEGIES:
        raise InputError(f"unknown strategy {name!r}; tegnas knows {', '.join(_STRATEGIES)}")
    strategy = _STRATEGIES[name]
    parameters = inspect.signature(strategy).parameters
    hints = get_type_hints(strategy.__init__)
    known = [each for each in parameters if each not in ("space", "seed")]
    for option in options:
        if option not in known:
            listing = ", ".join(known) if known else "no options"
            raise InputError(f"strategy {name!r} has no option {option!r}; it has {listing}")
        _check_type(name, option, options[option], hints[option])
    return strategy(space, seed, **options)


def _check_type(strategy: str, option: str, value: object, hint: type) -> None:
    accepted = set(get_args(hint) or (hint,))
    name = next(_TYPE_NAMES[each] for each in _TYPE_NAMES if each in accepted)
    if float in accepted:
        accepted.add(int)
    if type(value) not in accepted:
        raise InputError(f"{option} of strategy {strategy!r} must be {name}, got {value!r}")


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
