"""What is compared on the tables: recipes, and indicators that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tegnas.errors import InputError
from tegnas.indicators import get_indicator
from tegnas.indicators.registry import BUILTIN, joined_indicators, split_weight
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
            indicator of tegnas that none of the recipes has, and ``best+flops`` both in one order,
            as ``best+pattern_rank=1``, in which an indicator of ``best`` has another weight.

    Raises:
        InputError: a name is neither a preset nor an indicator, or is there twice.
    """
    recipe = Contestant(name, settings)
    named = [[part.strip() for part in each.split(AND)] for each in others]
    found = [recipe]
    for parts in named:
        if parts == [ALL]:
            recipes = [
                settings,
                *(PRESETS[part] for each in named for part in each if part in PRESETS),
            ]
            covered = {each for known in recipes for each in known.names}
            alone = [one.name for one in BUILTIN if one.name not in covered]
            found += [Contestant(one, _alone(settings, one)) for one in alone]
        elif len(parts) == 1:
            found.append(_contestant(recipe, parts[0]))
        else:
            found += _together(recipe, parts)
    distinct: dict[str, Contestant] = {}
    for contestant in found:
        known = distinct.setdefault(contestant.name, contestant)
        if known.settings != contestant.settings:
            raise InputError(
                f"two recipes that differ are called {contestant.name!r}; leave one of them out"
            )
    return tuple(distinct.values())


def _contestant(recipe: Contestant, name: str) -> Contestant:
    if name == recipe.name:
        return recipe
    if name in PRESETS:
        settings = recipe.settings
        return Contestant(
            name, replace(get_preset(name), seed=settings.seed, engine=settings.engine)
        )
    alone = _alone(recipe.settings, name)
    return Contestant(alone.names[0], alone)


def _together(recipe: Contestant, names: Sequence[str]) -> list[Contestant]:
    """All indicators of some contestants, combined as the first of them does, and these before.

    An indicator beside a recipe that has it gives it another weight.
    """
    parts = {name: _contestant(recipe, name) for name in names}
    recipes = [each for name, each in parts.items() if name in (recipe.name, *PRESETS)]
    held = {one for each in recipes for one in each.settings.names}
    kept = [each for each in parts.values() if each in recipes or each.name not in held]
    alone = [name for name, each in parts.items() if each not in recipes]
    shown = [each.name if each in recipes else _shown(name) for name, each in parts.items()]
    try:
        if len(parts) < len(names):
            raise InputError(f"{max(names, key=names.count)} is named twice")
        indicators = joined_indicators(
            [one for each in recipes for one in each.settings.indicators], alone
        )
        settings = replace(kept[0].settings, indicators=indicators)
    except InputError as error:
        raise InputError(f"{AND.join(names)}: {error}") from None
    together = Contestant(f" {AND} ".join(shown), settings, tuple(each.name for each in kept))
    return [*kept, together]


def _shown(name: str) -> str:
    """Of an indicator its own name, and the weight where one was given."""
    _, weight = split_weight(name)
    own = get_indicator(name).name
    return own if weight is None else f"{own}={weight:g}"


def _alone(settings: ScoreSettings, indicator: str) -> ScoreSettings:
    try:
        name, _ = split_weight(indicator)  # which changes no order of one alone
        return replace(settings, indicators=(get_indicator(name),), ridge=0.0)
    except InputError as error:
        raise InputError(f"{error}; a preset is one of {', '.join(PRESETS)}") from None
