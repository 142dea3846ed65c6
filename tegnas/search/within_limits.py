"""Whether limits leave anything of a space: found out before a search draws in vain."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial

from tegnas.errors import InputError
from tegnas.search.constraints import UNITS, Limits
from tegnas.search.costs import CostMeter
from tegnas.spaces import Architecture, Space

_STARTS = 8
# Architectures whose cost is asked for; where a descent takes more, nothing is concluded from it.
_MOST = 2_000
# How far the least latency that was measured may be above the limit: a measurement is no bound.
_MEASURED_SLACK = 2.0


def check_limits(space: Space, limits: Limits, cost: CostMeter) -> None:
    """Raise ``InputError`` where the cheapest architecture is beyond a limit.

    The cheapest is where single changes make nothing cheaper; of latency, the one of the fewest
    operations, whose latency is then measured.
    """
    for name, limit in limits.active().items():
        told_by = "flops" if name == "latency" else name
        enough = limit if told_by == name else 0.0
        cheapest = _cheapest(space, partial(cost, name=told_by), enough)
        if cheapest is None:
            continue
        least = cost(cheapest, name)
        if least > limit * (_MEASURED_SLACK if name == "latency" else 1.0):
            raise InputError(
                f"no architecture of {space.name} is within the limits ({limits}); the least found "
                f"is {least:,.6g} {UNITS[name]}; loosen them"
            )


def _cheapest(
    space: Space, cost: Callable[[Architecture], float], enough: float
) -> Architecture | None:
    """Descent by single changes from the cheapest of some draws; None where that takes too long."""
    rng = random.Random(0)
    best = min((space.sample(rng) for _ in range(_STARTS)), key=cost)
    asked = _STARTS
    while cost(best) > enough:
        for arch in itertools.islice(_neighbours(space, best), _MOST):
            asked += 1
            if cost(arch) < cost(best):
                best = arch
                break
        else:
            return best
        if asked > _MOST:
            return None
    return best


def _neighbours(space: Space, arch: Architecture) -> Iterator[Architecture]:
    return space.neighbours(arch) if hasattr(space, "neighbours") else iter(())
