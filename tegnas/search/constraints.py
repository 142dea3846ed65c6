"""Limits on the cost of an architecture, kept by never proposing one beyond them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from tegnas.errors import InputError
from tegnas.search.costs import CostMeter
from tegnas.search.strategies.drawing import MAX_DRAWS, draw_admitted
from tegnas.spaces import Architecture, Space

UNITS = {"params": "parameters", "flops": "FLOPs", "latency": "ms"}
# As axes and columns are called.
COST_NAMES = {**UNITS, "latency": "latency, ms"}

# Draws in a row that may fail where each costs a measurement of a second or so.
_MEASURED_DRAWS = 200

# Mutations tried before all neighbours are looked at.
_MUTATIONS = 50


@dataclass(frozen=True)
class Limits:
    """Largest costs allowed, None for no limit: parameters, operations, milliseconds per image."""

    params: float | None = None
    flops: float | None = None
    latency: float | None = None

    def __post_init__(self) -> None:
        for name, limit in self.active().items():
            if not limit > 0:
                raise InputError(f"the limit on {name} must be above 0, got {limit}")

    def active(self) -> dict[str, float]:
        """The limits that are set, by name of the cost."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def __str__(self) -> str:
        return ", ".join(
            f"at most {value:,.6g} {UNITS[name]}" for name, value in self.active().items()
        )


class ConstrainedSpace:
    """A space of which only the architectures within limits are drawn, mutated to and listed.

    Everything else is the space's own, ``len`` included. Policies draw with ``draw_admitted``.
    """

    def __init__(self, space: Space, limits: Limits, cost: CostMeter) -> None:
        self._space = space
        self._limits = limits
        self._cost = cost
        self._least: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._space, name)

    @property
    def unlimited(self) -> Space:
        """The space without its limits."""
        return self._space

    def admits(self, arch: Architecture) -> bool:
        """Whether an architecture is within all limits; the cheapest to find is checked first."""
        return all(self._keeps(arch, name, limit) for name, limit in self._limits.active().items())

    def _keeps(self, arch: Architecture, name: str, limit: float) -> bool:
        cost = self._cost(arch, name)
        self._least[name] = min(cost, self._least.get(name, cost))
        return cost <= limit

    def describe(self) -> str:
        """The limits in words, with the least cost that was seen where it is beyond its limit."""
        beyond = [
            f"{self._least[name]:,.6g} {UNITS[name]}"
            for name, limit in self._limits.active().items()
            if self._least.get(name, 0.0) > limit
        ]
        return f"{self._limits}" + (f"; the least found is {', '.join(beyond)}" if beyond else "")

    @property
    def max_draws(self) -> int:
        """How many draws in a row may fail: fewer where the cost of each is measured."""
        return MAX_DRAWS if self._limits.latency is None else min(MAX_DRAWS, _MEASURED_DRAWS)

    def __len__(self) -> int:
        return len(self._space)

    def __iter__(self) -> Iterator[Architecture]:
        return filter(self.admits, iter(self._space))

    def sample(self, rng: random.Random) -> Architecture:
        """Drawn uniformly from those within the limits; ``InputError`` if none is found."""
        return draw_admitted(cast(Space, self), lambda: self._space.sample(rng))

    def neighbours(self, arch: Architecture) -> Iterator[Architecture]:
        """Those neighbours that are within the limits."""
        return filter(self.admits, self._space.neighbours(arch))

    def mutate(self, arch: Architecture, rng: random.Random) -> Architecture:
        """A neighbour within the limits; where there is none, a fresh sample."""
        for _ in range(_MUTATIONS):
            mutant = self._space.mutate(arch, rng)
            if self.admits(mutant):
                return mutant
        admitted = list(self.neighbours(arch))
        return rng.choice(admitted) if admitted else self.sample(rng)
