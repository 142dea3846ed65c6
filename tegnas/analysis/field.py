"""Every training-free score of the field on the same architectures and images, with its cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tegnas.analysis.score_table import ScoreTable
from tegnas.data import Batch
from tegnas.indicators.base import Indicator
from tegnas.indicators.registry import BUILTIN
from tegnas.scoring import ScoreSettings, get_preset
from tegnas.scoring.labels import combined_label
from tegnas.scoring.score import score
from tegnas.spaces import Architecture as Arch
from tegnas.spaces import Space

# The recipes whose indicators share networks and are combined; the paper's with its BatchNorm
# would take twenty times as long as "fast" for numbers that rank alike.
RECIPES = ("best", "fast")

# Architectures by which the cost of one indicator of a recipe alone is measured.
_TIMED = 32


@dataclass(frozen=True)
class FieldScores:
    """Scores of the same architectures by one recipe after the other.

    Attributes:
        tables: by name of the recipe, or of the indicator where it stands alone; the first one is
            that of the settings asked for, by the name "".
        milliseconds: per architecture, by the name of the table and the label of the score.
    """

    tables: Mapping[str, ScoreTable]
    milliseconds: Mapping[str, Mapping[str, float]]


def score_field(
    archs: Sequence[Arch],
    batch: Batch,
    space: Space,
    settings: ScoreSettings,
    *,
    progress: Callable[[str, int], None] | None = None,
) -> FieldScores:
    """Score architectures by ``settings``, the other recipes, and every other indicator there is.

    Args:
        settings: the recipe that comes first; the others take its seed, device and engine.
        progress: called with what is scored and how many architectures are.
    """
    recipes = {"": settings}
    for name in RECIPES:
        preset = replace(get_preset(name), seed=settings.seed, engine=settings.engine)
        if preset.indicators != settings.indicators:
            recipes[name] = preset
    covered = {each.name for recipe in recipes.values() for each in recipe.indicators}
    for each in BUILTIN:
        if each.name not in covered:
            recipes[each.name] = replace(settings, indicators=(each,), ridge=0.0)
    tables: dict[str, ScoreTable] = {}
    milliseconds: dict[str, dict[str, float]] = {}
    for name, recipe in recipes.items():
        title = name or combined_label(recipe.indicators)

        def show(done: int, title: str = title) -> None:
            if progress is not None:
                progress(title, done)

        show(0)
        start = time.perf_counter()
        tables[name] = ScoreTable.of(
            space, score(archs, batch, space=space, settings=recipe, progress=show)
        )
        whole = 1e3 * (time.perf_counter() - start) / len(archs)
        milliseconds[name] = _costs(archs[:_TIMED], batch, space, recipe, whole)
    return FieldScores(tables, milliseconds)


def _costs(
    archs: Sequence[Arch], batch: Batch, space: Space, recipe: ScoreSettings, whole: float
) -> dict[str, float]:
    """Of the recipe as measured on all, and of each of its indicators alone on a few."""
    if len(recipe.indicators) == 1:
        return {recipe.indicators[0].label: whole}
    costs = {combined_label(recipe.indicators): whole}
    for each in recipe.indicators:
        costs[each.label] = _cost(archs, batch, space, recipe, each)
    return costs


def _cost(
    archs: Sequence[Arch], batch: Batch, space: Space, recipe: ScoreSettings, indicator: Indicator
) -> float:
    start = time.perf_counter()
    score(archs, batch, space=space, settings=replace(recipe, indicators=(indicator,), ridge=0.0))
    return 1e3 * (time.perf_counter() - start) / len(archs)
