"""Who takes part in the comparisons of ``bench/searches.py``, and with how many evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tegnas.search.contestant import Contestant
from tegnas.search.strategies import make_strategy
from tegnas.spaces import Space
from tegnas.spaces.factorised import SupernetSpace


@dataclass(frozen=True)
class Comparison:
    """What is compared on a space: presets, budget.

    ``changes`` of the score make it cheap enough for ten seeds where nothing is known about the
    finds but their scores; the strategies face the same kind of landscape.
    """

    budget: int
    presets: tuple[str, ...] = ("best",)
    changes: Mapping[str, int] = field(default_factory=dict)


COMPARISONS = {
    "nas-bench-201": Comparison(100, ("best", "fast")),
    "nas-bench-101": Comparison(100, changes={"repeats": 1}),
    "darts": Comparison(300),
    "nats-size": Comparison(300, changes={"repeats": 1}),
    "mobilenet": Comparison(100, changes={"repeats": 1}),
}


def contestants(space: Space, budget: int) -> list[str]:
    """The strategies, with what they need to be compared at this budget.

    The population of evolution is a quarter of the budget and the tournament a quarter of it, as in
    the paper: with its 256 and 64 so few evaluations would be random search. Pruning, where there
    is a supernet, ends by itself: random search also runs with as many evaluations as that takes.
    """
    population = max(8, budget // 4)
    evolution = f"evolution:population={population}:tournament={population // 4}"
    names = ["random", evolution, "reinforce", "fpnas", "local"]
    if isinstance(space, SupernetSpace):
        own = make_strategy("prune", space, 0).default_budget
        if own != budget:
            names.append(f"random:budget={own}")
        names.append("prune" if own <= budget else f"prune:budget={own}")
    return names


def evaluations(label: str, space: Space, budget: int) -> int:
    """How many evaluations a contestant asks for."""
    contestant = Contestant.parse(label)
    strategy = make_strategy(contestant.strategy, space, 0, **contestant.options)
    return min(contestant.budget or budget, getattr(strategy, "minimum_budget", budget))
