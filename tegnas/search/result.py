"""What a search found."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from tegnas.errors import InputError
from tegnas.scoring.ranking import RANK_SUM
from tegnas.search.evaluation import Evaluation
from tegnas.search.pareto import ParetoFront, ParetoPoint
from tegnas.spaces import Space, get_space


@dataclass(frozen=True)
class SearchResult:
    """A finished search.

    Attributes:
        space: name of the space.
        best: the architecture of lowest rank-sum over the whole history.
        history: one evaluation per architecture asked for, in order.
        seconds: wall-clock time that the scores took, each counted once, in this process or
            another.
        settings: everything needed to run it again.
        recommended: what the strategy itself would answer (the mode of a distribution, the end of
            a pruning), where it has an opinion and this was scored.
        pareto: the front of rank-sum and a cost, where one was asked for.
    """

    space: str
    best: Evaluation
    history: tuple[Evaluation, ...]
    seconds: float
    settings: dict[str, object] = field(default_factory=dict)
    recommended: Evaluation | None = None
    pareto: ParetoFront | None = None

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
        if self.recommended is not None:
            content["recommended"] = _to_json(self.recommended)
        if self.pareto is not None:
            content["pareto"] = _front_to_json(self.pareto)
        return content

    def save(self, path: str | Path) -> None:
        """Write everything as JSON."""
        content = {**self.summary(), "history": [_to_json(each) for each in self.history]}
        path = Path(path)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n")
        partial.replace(path)

    @classmethod
    def load(cls, path: str | Path, space: Space | None = None) -> SearchResult:
        """Read what ``save`` wrote; ``InputError`` if the file isn't that.

        A space that ``get_space`` doesn't know must be given.
        """
        try:
            content = json.loads(Path(path).read_text())
            space = get_space(content["space"]) if space is None else space
            recommended, front = content.get("recommended"), content.get("pareto")
            return cls(
                content["space"],
                _evaluation(space, content["best"]),
                tuple(_evaluation(space, each) for each in content["history"]),
                float(content["seconds"]),
                content["settings"],
                None if recommended is None else _evaluation(space, recommended),
                None if front is None else _front_from_json(space, front),
            )
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a saved search result ({error})") from None


def _to_json(evaluation: Evaluation) -> dict[str, object]:
    values = {name: getattr(evaluation, name) for name in ("kappa", "regions", "mse")}
    content: dict[str, object] = {"arch": str(evaluation.arch)}
    content |= {name: value if math.isfinite(value) else None for name, value in values.items()}
    for name in ("accuracy", "parameters"):
        if getattr(evaluation, name) is not None:
            content[name] = getattr(evaluation, name)
    if evaluation.combination != RANK_SUM:
        content["combination"] = evaluation.combination
    return content


def _evaluation(space: Space, content: dict) -> Evaluation:
    kappa, regions, mse = (_from_json(content[name]) for name in ("kappa", "regions", "mse"))
    return Evaluation(
        space.parse(content["arch"]),
        kappa,
        regions,
        mse,
        content.get("accuracy"),
        content.get("parameters"),
        content.get("combination", RANK_SUM),
    )


def _front_to_json(front: ParetoFront) -> dict[str, object]:
    return {
        "objective": front.objective,
        "hypervolume": front.hypervolume,
        "points": [
            {**_to_json(each.evaluation), "rank_sum": each.rank_sum, "cost": each.cost}
            for each in front.points
        ],
    }


def _front_from_json(space: Space, content: dict) -> ParetoFront:
    points = tuple(
        ParetoPoint(_evaluation(space, each), each["rank_sum"], each["cost"])
        for each in content["points"]
    )
    return ParetoFront(content["objective"], points, content["hypervolume"])


def _from_json(value: float | None) -> float:
    return math.inf if value is None else float(value)
