"""What a search found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.files import read_json, write_atomically
from tegnas.frames import frame
from tegnas.indicators.base import Indicator
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.evaluation import Evaluation, distinct_architectures, rank_scores
from tegnas.search.pareto import ParetoFront, ParetoPoint
from tegnas.spaces import Space, as_space
from tegnas.spaces.recorded import recorded_space

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class SearchResult:
    """A finished search.

    ``result["linear_regions"]`` is the value of that indicator for every evaluation; ``result[0]``
    is the first evaluation and ``result[-10:]`` are the last ten, as a loop over the result gives
    one after the other.

    Attributes:
        space: name of the space.
        best: the architecture of lowest rank score over the whole history.
        history: one evaluation per architecture asked for, in order.
        seconds: wall-clock time that the scores took, each counted once, in this process or
            another.
        settings: everything needed to run it again; how it was scored is ``best.settings``.
        recommended: what the strategy itself would answer (the mode of a distribution, the end of
            a pruning), where it has an opinion and this was scored.
        pareto: the front of rank score and a cost, where one was asked for.
        warnings: sentences on what the scores don't tell.
    """

    space: str
    best: Evaluation
    history: tuple[Evaluation, ...]
    seconds: float
    settings: dict[str, object] = field(default_factory=dict)
    recommended: Evaluation | None = None
    pareto: ParetoFront | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.history)

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self.history)

    @overload
    def __getitem__(self, which: str) -> np.ndarray: ...

    @overload
    def __getitem__(self, which: int) -> Evaluation: ...

    @overload
    def __getitem__(self, which: slice) -> tuple[Evaluation, ...]: ...

    def __getitem__(
        self, which: str | int | slice
    ) -> np.ndarray | Evaluation | tuple[Evaluation, ...]:
        if isinstance(which, str):
            return np.array([each[which] for each in self.history], dtype=np.float64)
        return self.history[which]

    def __repr__(self) -> str:
        values = self.best.settings.shown(self.best.values)
        return (
            f"SearchResult({self.space}, {len(self.history):,} evaluations, best "
            f"{self.best.arch}: {values})"
        )

    @property
    def networks(self) -> tuple[int, int]:
        """How many small networks were computed, and of how many: all of them without a race."""
        each_has = self.best.settings.repeats
        counts = {each.arch: each.stopped_after or each_has for each in self.history}
        return sum(counts.values()), each_has * len(counts)

    @property
    def stopped(self) -> int:
        """How many architectures a race stopped before their last network."""
        return len({each.arch for each in self.history if each.stopped_after is not None})

    @property
    def raced(self) -> str:
        """What a race saved, in one sentence; empty without one."""
        if not self.best.settings.race:
            return ""
        computed, of = self.networks
        distinct = len({each.arch for each in self.history})
        return (
            f"A race computed {computed:,} of {of:,} networks and gave up {self.stopped:,} of "
            f"{distinct:,} architectures early, which rank behind all others"
        )

    def ranked(self) -> list[Evaluation]:
        """The distinct architectures, best first by rank score; the first found wins a tie.

        Those that a race stopped come last.
        """
        distinct = distinct_architectures(self.history)
        return [distinct[index] for index in np.argsort(rank_scores(distinct), kind="stable")]

    def to_frame(self) -> pd.DataFrame:
        """A pandas table of the history: architecture and each indicator, in order.

        After a race also how many networks each has.

        Raises:
            InputError: pandas is missing.
        """
        settings = self.best.settings
        columns: dict[str, list[object]] = {"arch": [str(each.arch) for each in self.history]}
        columns |= {name: [each[name] for each in self.history] for name in settings.names}
        if settings.race:
            columns["networks"] = [each.stopped_after or settings.repeats for each in self.history]
        return frame(columns)

    def _repr_html_(self) -> str:
        from tegnas.analysis.notebook import evaluations_html

        ranked = self.ranked()
        notes = (*filter(None, [self.raced]), *self.warnings)
        return evaluations_html(ranked, range(1, len(ranked) + 1), self.space, notes)

    def summary(self) -> dict[str, object]:
        """The result without its history, ready for JSON; an infinite number becomes null."""
        content: dict[str, object] = {
            "space": self.space,
            "best": _to_json(self.best),
            "evaluations": len(self.history),
            "distinct": len({each.arch for each in self.history}),
            "seconds": self.seconds,
            "settings": self.settings,
        }
        if self.best.settings.race:
            computed, of = self.networks
            content["networks"] = {"computed": computed, "of": of, "stopped": self.stopped}
        if self.recommended is not None:
            content["recommended"] = _to_json(self.recommended)
        if self.pareto is not None:
            content["pareto"] = _front_to_json(self.pareto)
        if self.warnings:
            content["warnings"] = list(self.warnings)
        return content

    def save(self, path: str | Path) -> None:
        """Write everything as JSON."""
        content = {**self.summary(), "history": [_to_json(each) for each in self.history]}
        write_atomically(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(
        cls,
        path: str | Path,
        space: Space | str | None = None,
        *,
        indicators: Sequence[Indicator] = (),
    ) -> SearchResult:
        """Read what ``save`` wrote.

        Args:
            path: of the file.
            space: of the search, or its name. It must be given where the file names one by
                ``FILE.py:NAME``, because code is never run on the word of a file, or one that
                ``get_space`` doesn't know.
            indicators: those of the user's own that the search was scored by.

        Raises:
            InputError: the file isn't a result, names code and no space is given, or is of another
                space or scored by indicators that aren't given.
        """
        what = "a saved search result"
        content = read_json(path, what)
        try:
            fields = Fields(content)
            name, settings = fields.text("space"), fields.object("settings")
            score = settings.object("score").content
        except InputError as error:
            raise InputError(f"{path} is not {what} ({error})") from None
        space = recorded_space(name, path, None if space is None else as_space(space))
        scored = ScoreSettings.from_json(score, indicators)
        try:
            history = tuple(_evaluation(space, scored, each) for each in fields.objects("history"))
            if not history:
                raise InputError("its history is empty")
            recommended = fields.object_or_none("recommended")
            front = fields.object_or_none("pareto")
            return cls(
                name,
                _evaluation(space, scored, fields.object("best")),
                history,
                fields.number("seconds"),
                settings.content,
                None if recommended is None else _evaluation(space, scored, recommended),
                None if front is None else _front_from_json(space, scored, front),
                fields.texts_or_none("warnings"),
            )
        except InputError as error:
            raise InputError(f"{path} is not {what} ({error})") from None


def _to_json(evaluation: Evaluation) -> dict[str, object]:
    """What isn't finite becomes null, a failure as well as what isn't defined."""
    content: dict[str, object] = {"arch": str(evaluation.arch)}
    content |= {
        name: value if math.isfinite(value) else None for name, value in evaluation.by_name.items()
    }
    if evaluation.accuracy is not None:
        content["accuracy"] = evaluation.accuracy
    if evaluation.stopped_after is not None:
        content["stopped_after"] = evaluation.stopped_after
    return content


def _evaluation(space: Space, settings: ScoreSettings, fields: Fields) -> Evaluation:
    values = tuple(fields.number_or(each.name, each.worst) for each in settings.indicators)
    accuracy = fields.number_or_none("accuracy")
    stopped = fields.number_or_none("stopped_after")
    return Evaluation(
        space.parse(fields.text("arch")),
        settings,
        values,
        accuracy,
        stopped_after=None if stopped is None else int(stopped),
    )


def _front_to_json(front: ParetoFront) -> dict[str, object]:
    return {
        "objective": front.objective,
        "hypervolume": front.hypervolume,
        "points": [
            {**_to_json(each.evaluation), "rank_score": each.rank_score, "cost": each.cost}
            for each in front.points
        ],
    }


def _front_from_json(space: Space, settings: ScoreSettings, fields: Fields) -> ParetoFront:
    points = tuple(
        ParetoPoint(
            _evaluation(space, settings, each), each.number("rank_score"), each.number("cost")
        )
        for each in fields.objects("points")
    )
    return ParetoFront(fields.text("objective"), points, fields.number("hypervolume"))
