"""What is compared on the tables: recipes, and indicators that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tegnas.errors import InputError
from tegnas.indicators import get_indicator
from tegnas.indicators.registry import BUILTIN
from tegnas.indicators.sources import Architecture, Network
from tegnas.scoring import ScoreSettings, get_preset
from tegnas.scoring.presets import PRESETS

ALL, AND = "all", "+"


@dataclass(frozen=True)
class Contestant:
    """Settings with a name: a preset, or one indicator, or several of these in one order.

    Attributes:
        name: in tables.
        settings: how it scores.
        parts: names of the contestants whose indicators it combines; it needs no score of its own.
    """

    name: str
    settings: ScoreSettings
    parts: tuple[str, ...] = ()


def contestants(
    settings: ScoreSettings, name: str, others: Sequence[str]
) -> tuple[Contestant, ...]:
    """The recipe that is looked at, and what it is compared with, each once.

    Args:
        settings: of the recipe; the others take its seed and engine.
        name: of the recipe.
        others: names of presets and indicators, ``FILE.py:NAME`` among them; ``all`` is every
            indicator that stands alone, and ``best+flops`` both in one order.

    Raises:
        InputError: a name is neither a preset nor an indicator, or is there twice.
    """
    found = [Contestant(name, settings)]
    for each in others:
        if each == ALL:
            alone = [one for one in BUILTIN if isinstance(one.source, Network | Architecture)]
            found += [Contestant(one.name, _alone(settings, one.name)) for one in alone]
            continue
        parts = [
            found[0] if part.strip() == name else _contestant(settings, part.strip())
            for part in each.split(AND)
        ]
        found += [*parts, _together(parts)] if len(parts) > 1 else parts
    distinct: dict[str, Contestant] = {}
    for contestant in found:
        known = distinct.setdefault(contestant.name, contestant)
        if known.settings != contestant.settings:
            raise InputError(
                f"two recipes that differ are called {contestant.name!r}; leave one of them out"
            )
    return tuple(distinct.values())


def _contestant(settings: ScoreSettings, name: str) -> Contestant:
    if name in PRESETS:
        return Contestant(
            name, replace(get_preset(name), seed=settings.seed, engine=settings.engine)
        )
    alone = _alone(settings, name)
    return Contestant(alone.names[0], alone)


def _together(parts: Sequence[Contestant]) -> Contestant:
    """All indicators of some contestants, combined as the first of them does."""
    indicators = tuple(one for part in parts for one in part.settings.indicators)
    names = [each.name for each in parts]
    try:
        settings = replace(parts[0].settings, indicators=indicators)
    except InputError as error:
        raise InputError(f"{AND.join(names)}: {error}") from None
    return Contestant(f" {AND} ".join(names), settings, tuple(names))


def _alone(settings: ScoreSettings, indicator: str) -> ScoreSettings:
    try:
        return replace(settings, indicators=(get_indicator(indicator),), ridge=0.0)
    except InputError as error:
        raise InputError(f"{error}; a preset is one of {', '.join(PRESETS)}") from None
