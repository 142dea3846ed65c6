"""Running a strategy against made-up scores: what tests of strategies share."""

from __future__ import annotations

import math
from collections.abc import Callable

from paper import evaluated

from tegnas.search.evaluation import Evaluation, best_of
from tegnas.search.strategies import make_strategy
from tegnas.spaces import Space

ScoreFunction = Callable[[object], Evaluation]


def convolutions(arch: object) -> Evaluation:
    """More and larger convolutions are better in all three, with a few contradictions."""
    text = str(arch)
    large, small = text.count("conv_3x3"), text.count("conv_1x1") + text.count("conv_5x5")
    if large + small == 0:
        return evaluated(arch, math.inf, 1.0, math.inf)
    skips = text.count("skip")
    return evaluated(
        arch, 100.0 / (1 + large + 0.5 * skips), 10.0 * large + small, 1.0 / (1 + large + small)
    )


def run(
    name: str,
    space: Space,
    budget: int,
    seed: int = 0,
    score: ScoreFunction = convolutions,
    limit: int | None = None,
    **options: object,
) -> list[Evaluation]:
    """The history of a search of ``budget`` evaluations; ``limit`` caps every question."""
    strategy = make_strategy(name, space, seed, **options)
    history: list[Evaluation] = []
    while len(history) < budget:
        remaining = budget - len(history)
        archs = strategy.ask(min(remaining, limit or remaining))
        if not archs:
            break
        assert len(archs) <= remaining
        told = [score(arch) for arch in archs]
        strategy.tell(told)
        history.extend(told)
    return history


def best_value(history: list[Evaluation]) -> float:
    """Convolutions of 3×3 in the best of a history."""
    return best_of(history).regions
