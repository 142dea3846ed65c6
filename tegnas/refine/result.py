"""What a refinement found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.files import read_json, write_atomically
from tegnas.refine.training import Outcome, Training
from tegnas.spaces import Space
from tegnas.spaces.recorded import recorded_space

# Where a refinement is kept in the directory of its search, unless it is told otherwise.
DIRECTORY = "refine"
FILE = "refined.json"


@dataclass(frozen=True)
class RefineResult:
    """The best of a few trained candidates.

    Attributes:
        space: name of the space.
        best: the finished training of the highest accuracy, the first of several; without any
            training the candidate that is best by score.
        trained: all trainings, in the order in which they were chosen.
        candidates: how many architectures could have been trained.
        scored: how many of them were scored anew, as neighbours of the best.
        sureness: probability, by the model, that no candidate is better than the best; None where
            too few were trained for a model.
        gain: what one more training is expected to add to the best, in percent; None as above.
        learned: the features that matter most to the model, with their weights.
        settings: everything that was set.
    """

    space: str
    best: Training
    trained: tuple[Training, ...]
    candidates: int
    scored: int
    sureness: float | None = None
    gain: float | None = None
    learned: tuple[tuple[str, float], ...] = ()
    settings: dict[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"RefineResult({self.space}, {len(self.trained)} trainings, best {self.best.arch}, "
            f"observed {self.best.observed})"
        )

    def conclusions(self) -> tuple[str, ...]:
        """How sure it is, and what another training would be worth, in sentences."""
        if self.sureness is None or self.gain is None:
            return ("Too few candidates were trained for a model to say how sure the find is.",)
        told = ", ".join(f"{name} {weight:+.3f}" for name, weight in self.learned)
        return (
            f"No candidate is better than the find with probability {self.sureness:.2f}, as far as "
            "the model can tell.",
            f"Another training is expected to add {self.gain:.3f} %.",
            f"What counted, in % for one more of each: {told}.",
        )

    def to_json(self) -> dict[str, object]:
        """Everything, ready for JSON."""
        return {
            "space": self.space,
            "best": _to_json(self.best),
            "trainings": len(self.trained),
            "trained": [_to_json(each) for each in self.trained],
            "candidates": self.candidates,
            "scored": self.scored,
            "sureness": self.sureness,
            "gain": self.gain,
            "learned": dict(self.learned),
            "settings": self.settings,
        }

    def save(self, path: str | Path) -> None:
        """Write everything as JSON."""
        write_atomically(path, json.dumps(self.to_json(), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path, space: Space | None = None) -> RefineResult:
        """Read what ``save`` wrote.

        Args:
            path: of the file.
            space: where the file names one that ``get_space`` doesn't know or may not load.

        Raises:
            InputError: the file is no result of a refinement, or names code and no space is given.
        """
        what = "a saved result of tegnas refine"
        content = read_json(path, what)
        try:
            fields = Fields(content)
            name = fields.text("space")
        except InputError as error:
            raise InputError(f"{path} is not {what} ({error})") from None
        space = recorded_space(name, path, space)
        try:
            weights = fields.object("learned")
            return cls(
                name,
                _training(space, fields.object("best")),
                tuple(_training(space, each) for each in fields.objects("trained")),
                int(fields.number("candidates")),
                int(fields.number("scored")),
                fields.number_or_none("sureness"),
                fields.number_or_none("gain"),
                tuple((each, weights.number(each)) for each in weights.content),
                fields.object("settings").content,
            )
        except InputError as error:
            raise InputError(f"{path} is not {what} ({error})") from None


def outcome_of(fields: Fields) -> Outcome:
    """What ``outcome_to_json`` wrote; ``InputError`` if it isn't that."""
    epochs = fields.content.get("epochs")
    numbers = (
        isinstance(epochs, list)
        and epochs
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in epochs)
    )
    if not numbers or not isinstance(fields.content.get("stopped"), bool):
        raise InputError("a training has no accuracies")
    return Outcome(tuple(map(float, fields.content["epochs"])), fields.content["stopped"])


def outcome_to_json(outcome: Outcome) -> dict[str, object]:
    """The outcome as plain values."""
    return {"epochs": list(outcome.epochs), "stopped": outcome.stopped}


def _to_json(each: Training) -> dict[str, object]:
    content: dict[str, object] = {
        "arch": str(each.arch),
        "observed": each.observed,
        "truth": each.truth,
        "place": each.place,
        "expected": each.expected,
        "spread": each.spread,
        "why": each.why,
    }
    return content if each.outcome is None else {**content, **outcome_to_json(each.outcome)}


def _training(space: Space, fields: Fields) -> Training:
    return Training(
        space.parse(fields.text("arch")),
        int(fields.number("place")),
        outcome_of(fields) if "epochs" in fields.content else None,
        fields.number_or_none("expected"),
        fields.number_or_none("spread"),
        fields.number_or_none("truth"),
    )


def best_of(trained: Sequence[Training]) -> Training:
    """The finished one of the highest accuracy, the first of several."""
    finished = [each for each in trained if each.finished]
    return max(finished, key=_accuracy)


def _accuracy(each: Training) -> float:
    assert each.observed is not None
    return each.observed
