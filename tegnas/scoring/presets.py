"""Named settings of a score."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tegnas.errors import InputError, type_of
from tegnas.indicators.linear_regions import LINEAR_REGIONS
from tegnas.indicators.ntk_condition import NTK_CONDITION
from tegnas.indicators.ntk_regression_error import NTK_REGRESSION_ERROR
from tegnas.scoring.average import MEAN
from tegnas.scoring.ranking import RANK_SUM
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces.base import PAPER

# The sizes are those of the paper's released code: three networks, batches of 64 images, three
# batches of 1000 inputs for the region count.
_FAST = ScoreSettings(
    indicators=(NTK_CONDITION, LINEAR_REGIONS, NTK_REGRESSION_ERROR),
    small_networks=PAPER,
    image_size=None,
    repeats=3,
    average=MEAN,
    combination=RANK_SUM,
    region_samples=3000,
)

# Strategies have the published defaults anyway. What "best" is made of was chosen by the studies in
# docs/studies: the statistics and their combination by the second, the sizes by the fifth, the
# pattern rank and its weight by the sixth.
PRESETS = {
    "best": ScoreSettings(),
    "fast": _FAST,
    "paper": replace(_FAST, batch_norm="coupled"),
}

DEFAULT_PRESET = "best"


def get_preset(name: str) -> ScoreSettings:
    """The settings of that name; ``InputError`` names the known ones."""
    try:
        return PRESETS[name]
    except KeyError:
        raise InputError(f"unknown preset {name!r}; tegnas has {', '.join(PRESETS)}") from None


def as_settings(given: ScoreSettings | str | None, seed: int | None = None) -> ScoreSettings:
    """Settings by themselves, or by the name of a preset; None is the preset ``best``.

    Args:
        given: the settings.
        seed: of a preset, by default its own; settings keep theirs.

    Raises:
        InputError: it is neither, or no preset has that name.
    """
    if isinstance(given, ScoreSettings):
        return given
    if given is not None and not isinstance(given, str):
        raise InputError(
            f"{type_of(given)} isn't settings; give tegnas.ScoreSettings(…) or the name of a "
            f"preset: {', '.join(PRESETS)}"
        )
    preset = get_preset(DEFAULT_PRESET if given is None else given)
    return preset if seed is None else replace(preset, seed=seed)


def nearest_preset(settings: ScoreSettings) -> tuple[str, dict[str, Any]]:
    """The preset that settings are or come closest to, and what differs, as ``to_json`` has it.

    The seed isn't looked at.
    """
    differing = {name: _changes(settings, preset) for name, preset in PRESETS.items()}
    closest = min(differing, key=lambda name: len(differing[name]))
    return closest, differing[closest]


def describe(settings: ScoreSettings) -> str:
    """The preset, with what differs from it: ``preset best``, ``preset best, repeats 3``.

    Which indicators is left out; they have symbols of their own.
    """
    preset, changes = nearest_preset(settings)
    changes.pop("indicators", None)
    texts = [f"{name.replace('_', ' ')} {value}" for name, value in changes.items()]
    return ", ".join([f"preset {preset}", *texts])


def _changes(settings: ScoreSettings, preset: ScoreSettings) -> dict[str, Any]:
    mine, own = settings.to_json(), preset.to_json()
    return {name: mine[name] for name in mine if name != "seed" and mine[name] != own.get(name)}
