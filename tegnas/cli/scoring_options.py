"""Options of every command that scores, in one place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

from tegnas.cli import options
from tegnas.data import Batch
from tegnas.indicators import get_indicator, indicator_names
from tegnas.indicators.base import Indicator
from tegnas.indicators.registry import joined_indicators
from tegnas.scoring import ScoreSettings, get_preset
from tegnas.scoring.presets import DEFAULT_PRESET, describe
from tegnas.scoring.settings import changed

ALL = "all"

_PANEL = "Scores"


def _option(help: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=_PANEL, **more)


@dataclass(frozen=True)
class ScoringOptions:
    """What the options say; None is what the preset has."""

    images: options.Images = "digits"
    preset: Annotated[
        str,
        _option(
            "best: what ranks best; paper: as published; fast: the paper's indicators with "
            "BatchNorm frozen. The options below win over it.",
            metavar="best|fast|paper",
        ),
    ] = DEFAULT_PRESET
    indicators: Annotated[
        str | None,
        _option(
            f"In place of the preset's indicators: {', '.join(indicator_names())}, FILE.py:NAME. "
            "NAME=0.5 counts half as much in an order by several.",
            metavar="NAME[=WEIGHT],…",
        ),
    ] = None
    indicator: Annotated[
        list[str] | None,
        _option(
            "One more indicator, or another weight of one (repeatable).",
            metavar="NAME[=WEIGHT]|FILE.py:NAME[=WEIGHT]",
        ),
    ] = None
    small_networks: Annotated[
        str | None, _option("Networks behind kernels and regions.", metavar="deep|paper")
    ] = None
    repeats: Annotated[int | None, _option("Small networks per architecture.")] = None
    average: Annotated[str | None, _option("Over these networks.", metavar="mean|median")] = None
    combination: Annotated[
        str | None, _option("How indicators are combined.", metavar="rank-sum|log-rank")
    ] = None
    train: Annotated[int | None, _option("Images of the training batch.")] = None
    val: Annotated[int | None, _option("Images of the validation batch.")] = None
    image_size: Annotated[
        int | None, _option("Shrink images to this side for the kernels; 0: leave them.")
    ] = None
    batch_norm: Annotated[
        str | None,
        _option(
            "Statistics held constant in the derivative, or differentiated as in the paper.",
            metavar="frozen|coupled",
        ),
    ] = None
    region_samples: Annotated[int | None, _option("Inputs of the region count.")] = None
    region_batch_size: Annotated[int | None, _option("Of them per forward pass.")] = None
    ridge: Annotated[float | None, _option("Added to the kernel before ntk_regression_error.")] = (
        None
    )
    share_isomorphic: Annotated[
        bool,
        _option("Score one architecture for each class of isomorphic ones.", "--share-isomorphic"),
    ] = False
    engine: Annotated[
        str,
        _option("The native engine, or PyTorch modules one at a time.", metavar="native|torch"),
    ] = "native"
    device: Annotated[str, _option("Where scores are computed.", metavar="cpu|cuda|cuda:N")] = "cpu"

    def settings(self, seed: int) -> ScoreSettings:
        """The preset with what was given one by one in its place.

        Raises ``InputError`` for what isn't known or out of range.
        """
        preset = get_preset(self.preset)
        given = {
            each.name: getattr(self, each.name)
            for each in fields(ScoreSettings)
            if getattr(self, each.name, None) is not None and each.name != "indicators"
        }
        if self.image_size == 0:
            given["image_size"] = None
        names = [each.strip() for each in (self.indicators or "").split(",") if each.strip()]
        if names == [ALL]:  # where a command doesn't treat it by itself
            names = list(indicator_names())
        chosen = joined_indicators(names or preset.indicators, self.indicator or [])
        return changed(preset, **given, seed=seed, indicators=chosen)

    def own_indicators(self) -> tuple[Any, ...]:
        """The indicators from files that the user named, for reading runs that hold them."""
        named = [*(self.indicators or "").split(","), *(self.indicator or [])]
        return tuple(get_indicator(each.strip()) for each in named if ".py:" in each)

    def batch(self, settings: ScoreSettings) -> Batch:
        """The images that the settings ask for."""
        return options.read_batch(self.images, settings.train, settings.val, settings.seed)


def used(settings: ScoreSettings) -> str:
    """One line that says how scores were made."""
    names = (each.name + _weight(each) for each in settings.indicators)
    return f"Scored by {describe(settings)}: {', '.join(names)}"


def _weight(indicator: Indicator) -> str:
    """As ``--indicators`` takes it; nothing for a weight of 1 that the name alone gives."""
    plain = indicator.weight == indicator.usual_weight == 1
    return "" if plain else f"={indicator.weight:g}"


def with_scoring(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose argument ``scoring`` is given by the options of ``ScoringOptions``.

    typer reads the options of a command off its signature: they take the argument's place there.
    """
    hints = get_type_hints(ScoringOptions, include_extras=True)
    shared = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=each.default,
            annotation=hints[each.name],
        )
        for each in fields(ScoringOptions)
    ]
    own_hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    parameters: list[inspect.Parameter] = []
    for each in signature.parameters.values():
        if each.name == "scoring":
            parameters += shared
        else:
            parameters.append(
                each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=own_hints[each.name])
            )

    @functools.wraps(command)
    def run(**given: Any) -> None:
        scoring = ScoringOptions(**{each.name: given.pop(each.name) for each in shared})
        command(scoring=scoring, **given)

    del run.__wrapped__
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
