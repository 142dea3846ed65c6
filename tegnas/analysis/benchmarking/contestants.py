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

ALL = "all"


@dataclass(frozen=True)
class Contestant:
    """Settings with a name: a preset, or one indicator.

    Attributes:
        name: in tables.
        settings: how it scores.
    """

    name: str
    settings: ScoreSettings


def contestants(
    settings: ScoreSettings, name: str, others: Sequence[str]
) -> tuple[Contestant, ...]:
    """The recipe that is looked at, and what it is compared with, each once.

    Args:
        settings: of the recipe; the others take its seed and engine.
        name: of the recipe.
        others: names of presets and indicators, ``FILE.py:NAME`` among them; ``all`` is every
            indicator that stands alone.

    Raises:
        InputError: a name is neither a preset nor an indicator, or is there twice.
    """
    found = [Contestant(name, settings)]
    for each in others:
        if each == ALL:
            alone = [one for one in BUILTIN if isinstance(one.source, Network | Architecture)]
            found += [Contestant(one.name, _alone(settings, one.name)) for one in alone]
        elif each in PRESETS:
            preset = replace(get_preset(each), seed=settings.seed, engine=settings.engine)
            found.append(Contestant(each, preset))
        else:
            alone_settings = _alone(settings, each)
            found.append(Contestant(alone_settings.names[0], alone_settings))
    distinct: dict[str, Contestant] = {}
    for contestant in found:
        known = distinct.setdefault(contestant.name, contestant)
        if known.settings != contestant.settings:
            raise InputError(
                f"two recipes that differ are called {contestant.name!r}; leave one of them out"
            )
    return tuple(distinct.values())


def _alone(settings: ScoreSettings, indicator: str) -> ScoreSettings:
    try:
        return replace(settings, indicators=(get_indicator(indicator),), ridge=0.0)
    except InputError as error:
        raise InputError(f"{error}; a preset is one of {', '.join(PRESETS)}") from None
