"""Everything that changes the value of a score, in one immutable value."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from tegnas.errors import InputError
from tegnas.indicators.base import Indicator
from tegnas.indicators.leave_one_out_error import LEAVE_ONE_OUT_ERROR
from tegnas.indicators.linear_regions import LINEAR_REGIONS
from tegnas.indicators.pattern_rank import PATTERN_RANK
from tegnas.indicators.registry import as_indicators, read_recorded, recorded_name
from tegnas.indicators.sources import Distances, Kernel, Patterns
from tegnas.indicators.variance_inflation import VARIANCE_INFLATION
from tegnas.kernel.batch_statistics import check_batch_norm
from tegnas.recorded import check_recorded
from tegnas.scoring.average import AVERAGES, MEDIAN
from tegnas.scoring.ranking import COMBINATIONS, LOG_RANK
from tegnas.spaces.base import DEEP, ENGINES, SMALL_NETWORKS, Space, engine_for

# Leaves room to count up the repeats within what a torch generator takes.
MAX_SEED = 2**62

# What is made of the scores of single networks, or says which images are drawn, changes none.
_NOT_IN_KEY = ("indicators", "average", "combination", "train", "val")

# Settings that scores made without them don't have, and mean the same as before.
_LEFT_OUT = {"race": 0}


@dataclass(frozen=True, repr=False)
class ScoreSettings:
    """Which indicators, on which networks and images, and how they are combined.

    The defaults are those of the preset ``best``.

    Attributes:
        indicators: values, or names as ``get_indicator`` takes them. All of them take part in the
            ranking of a set, each by its weight.
        small_networks: on which networks the kernels and activation patterns are computed:
            ``"deep"``, several cells per stage, or ``"paper"``, those of the paper's released
            code. A space without deep ones has the paper's.
        image_size: images with larger sides are shrunk to this for the small networks; None
            leaves them as they are.
        repeats: small networks per architecture, initialised from ``seed``, ``seed + 1``, …
        average: over these networks: ``"mean"``, or ``"median"``.
        combination: how a set is ordered: ``"rank-sum"`` or ``"log-rank"`` (see ``combine``).
        batch_norm: ``"frozen"`` or ``"coupled"`` (see ``tegnas.ntk``).
        train, val: how many images a batch has that is drawn for these settings.
        region_samples: inputs on which linear regions are counted.
        region_batch_size: inputs per forward pass; BatchNorm statistics are those of the pass.
        ridge: added to the diagonal of the kernel before ``ntk_regression_error``.
        seed: of the first network.
        share_isomorphic: isomorphic architectures have one score, that of the representative of
            their class. Their own scores differ slightly, since a weight depends on the place of
            its layer in the cell.
        race: how often a search gives up the worse half of the architectures that have got so far:
            0 never, 1 after the first network, 2 after the second as well, 3 after the fourth
            (see ``tegnas.scoring.race``). What was computed of those is never taken for a score.
        engine: ``"native"``, or ``"torch"`` for PyTorch modules, one network at a time: always, for
            a space whose networks no program describes (see ``settings_for``).

    Raises:
        InputError: an unknown name or choice, or a number out of range.
    """

    indicators: tuple[Indicator, ...] = (
        VARIANCE_INFLATION,
        LINEAR_REGIONS,
        LEAVE_ONE_OUT_ERROR,
        PATTERN_RANK,
    )
    small_networks: str = DEEP
    image_size: int | None = 8
    repeats: int = 10
    average: str = MEDIAN
    combination: str = LOG_RANK
    batch_norm: str = "frozen"
    train: int = 64
    val: int = 64
    region_samples: int = 1000
    region_batch_size: int = 1000
    ridge: float = 0.0
    seed: int = 0
    share_isomorphic: bool = False
    engine: str = "native"
    race: int = 0

    def __post_init__(self) -> None:
        given = (self.indicators,) if isinstance(self.indicators, str) else self.indicators
        object.__setattr__(self, "indicators", as_indicators(given))
        check_batch_norm(self.batch_norm)
        for name, known in (
            ("small_networks", SMALL_NETWORKS),
            ("combination", COMBINATIONS),
            ("average", AVERAGES),
            ("engine", ENGINES),
        ):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")
        if self.image_size is not None:
            _check_whole("image_size", self.image_size, 1)
        for name in ("repeats", "region_samples", "region_batch_size"):
            _check_whole(name, getattr(self, name), 1)
        for name in ("train", "val"):
            _check_whole(name, getattr(self, name), 2)
        _check_whole("race", self.race, 0)
        if type(self.seed) is not int or not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be a whole number from 0 to {MAX_SEED}, got {self.seed!r}")
        if not 0 <= self.ridge < math.inf:
            raise InputError(f"ridge must be finite and 0 or more, got {self.ridge}")
        if self.ridge > 0 and not any(
            isinstance(each.source, Kernel) and each.source.validation for each in self.indicators
        ):
            raise InputError("a ridge belongs to ntk_regression_error; leave it out")
        if self.race and not any(map(of_small_networks, self.indicators)):
            raise InputError("a race is over small networks, of which no indicator is computed")

    def __repr__(self) -> str:
        from tegnas.scoring.presets import describe

        return f"ScoreSettings({', '.join([describe(self), f'seed {self.seed}'])})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the indicators."""
        return tuple(each.name for each in self.indicators)

    def shown(self, values: Sequence[float]) -> str:
        """Values of the indicators in their order, in a few words: ``VIF 3.1, R 210, LOO 1.4``."""
        texts = zip(self.indicators, values, strict=True)
        return ", ".join(f"{each.symbol} {each.text(value)}" for each, value in texts)

    def key(self) -> str:
        """A short text that changes whenever the value of one of the indicators could change."""
        values: dict[str, Any] = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in _NOT_IN_KEY
            and getattr(self, each.name) != _LEFT_OUT.get(each.name, ...)
        }
        values["indicators"] = sorted([each.name, each.version] for each in self.indicators)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values; indicators by name, or by reference to their file.

        With the weight, as ``get_indicator`` takes it, where it isn't the usual one.
        """
        values = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) != _LEFT_OUT.get(each.name, ...)
        }
        values["indicators"] = [recorded_name(each) for each in self.indicators]
        return values

    @classmethod
    def from_json(
        cls, values: Mapping[str, Any], indicators: Sequence[Indicator] = ()
    ) -> ScoreSettings:
        """The settings that ``to_json`` wrote.

        Args:
            indicators: those of the user's own that the settings may name. No file is run because
                the settings name it.

        Raises:
            InputError: the settings are of another version of tegnas, or name an indicator that
                isn't known here.
        """
        known = {each.name for each in fields(cls)}
        if not isinstance(values, Mapping) or set(values) | set(_LEFT_OUT) != known:
            raise InputError(
                "the scores were made by another version of tegnas, whose settings this one "
                "doesn't read; make them again, or read them with the version that made them"
            )
        own = {each.reference or each.name: each for each in indicators}
        names = values["indicators"]
        if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
            raise InputError(f"the settings of the scores name as their indicators {names!r}")
        try:
            return cls(**{**values, "indicators": tuple(_known(each, own) for each in names)})
        except TypeError as error:
            raise InputError(f"the settings of the scores are damaged ({error})") from None


def _known(name: str, own: Mapping[str, Indicator]) -> Indicator | str:
    found = read_recorded(name, own)
    if found is not None:
        return found
    return check_recorded(name, "the run", "indicator", "--indicator")


def of_small_networks(indicator: Indicator) -> bool:
    """Whether an indicator has a value for every small network."""
    return isinstance(indicator.source, Kernel | Patterns | Distances)


def settings_for(space: Space, settings: ScoreSettings) -> ScoreSettings:
    """The settings with the engine that networks of the space are in fact scored by."""
    engine = engine_for(space, settings.engine)
    return settings if engine == settings.engine else replace(settings, engine=engine)


def changed(settings: ScoreSettings, **changes: Any) -> ScoreSettings:
    """The settings with some fields changed; ``InputError`` names an unknown one."""
    known = [each.name for each in fields(ScoreSettings)]
    for name in changes:
        if name not in known:
            raise InputError(f"scores have no setting {name!r}; there are {', '.join(known)}")
    return replace(settings, **changes)


def _check_whole(name: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise InputError(f"{name} must be a whole number, at least {least}, got {value!r}")
