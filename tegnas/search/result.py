"""What a search found."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation
from tegnas.spaces import get_space


@dataclass(frozen=True)
class SearchResult:
    """A finished search.

    Attributes:
        space: name of the space.
        best: the architecture of lowest rank-sum over the whole history.
        history: one evaluation per architecture asked for, in order.
        seconds: wall-clock time of this process; scores found in the store cost almost none.
        settings: everything needed to run it again.
    """

    space: str
    best: Evaluation
    history: tuple[Evaluation, ...]
    seconds: float
    settings: dict[str, object] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        """The result without its history, ready for JSON; an infinite number becomes null."""
        return {
            "space": self.space,
            "best": _to_json(self.best),
            "evaluations": len(self.history),
            "distinct": len({each.arch for each in self.history}),
            "seconds": self.seconds,
            "settings": self.settings,
        }

    def save(self, path: str | Path) -> None:
        """Write everything as JSON."""
        content = {**self.summary(), "history": [_to_json(each) for each in self.history]}
        path = Path(path)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n")
        partial.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> SearchResult:
        """Read what ``save`` wrote; ``InputError`` if the file isn't that."""
        try:
            content = json.loads(Path(path).read_text())
            space = get_space(content["space"])
            read = [
                Evaluation(
                    space.parse(each["arch"]),
                    *(_from_json(each[name]) for name in ("kappa", "regions", "mse")),
                    each.get("accuracy"),
                )
                for each in (content["best"], *content["history"])
            ]
            return cls(
                content["space"],
                read[0],
                tuple(read[1:]),
                float(content["seconds"]),
                content["settings"],
            )
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a saved search result ({error})") from None


def _to_json(evaluation: Evaluation) -> dict[str, object]:
    values = {name: getattr(evaluation, name) for name in ("kappa", "regions", "mse")}
    content: dict[str, object] = {"arch": str(evaluation.arch)}
    content |= {name: value if math.isfinite(value) else None for name, value in values.items()}
    if evaluation.accuracy is not None:
        content["accuracy"] = evaluation.accuracy
    return content


def _from_json(value: float | None) -> float:
    return math.inf if value is None else float(value)
