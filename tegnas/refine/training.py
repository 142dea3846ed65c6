"""One training of a candidate, and what does trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tegnas.spaces import Architecture


@dataclass(frozen=True)
class Outcome:
    """What a training gave.

    Attributes:
        epochs: validation accuracy in percent after every epoch; one number where it was looked up;
            where several fifths were held out, the mean after each of these.
        stopped: whether it was ended early, because others were better after as many epochs.
    """

    epochs: tuple[float, ...]
    stopped: bool = False


@dataclass(frozen=True)
class Training:
    """A candidate that was trained, and why.

    Attributes:
        arch: the architecture.
        place: by score (see ``leader_scores``) among the candidates when it was chosen, 1 is best.
        outcome: of the training; None for a candidate that wasn't trained, where none was.
        expected, spread: what the model expected of it, mean and standard deviation in percent;
            None for the first ones, which are taken by score.
        truth: of the table, where one was given and knows it. Nothing is decided by it.
    """

    arch: Architecture
    place: int
    outcome: Outcome | None = None
    expected: float | None = None
    spread: float | None = None
    truth: float | None = None

    @property
    def observed(self) -> float | None:
        """Validation accuracy in percent after its last epoch."""
        return None if self.outcome is None else self.outcome.epochs[-1]

    @property
    def finished(self) -> bool:
        """Whether it was trained to the end."""
        return self.outcome is not None and not self.outcome.stopped

    @property
    def why(self) -> str:
        """Why it was trained, in a few words."""
        if self.expected is None or self.spread is None:
            return f"number {self.place} by score"
        return f"expected {self.expected:.2f} ± {self.spread:.2f} %"


class Trainer(Protocol):
    """Trains candidates, or knows what became of them."""

    def knows(self, arch: Architecture) -> bool:
        """Whether it is a candidate."""

    def truth(self, arch: Architecture) -> float | None:
        """Its true accuracy, where that is known."""

    def options(self) -> dict[str, object]:
        """What changes the outcomes, for the record of the run."""

    def run(
        self,
        archs: Sequence[Architecture],
        before: Sequence[Outcome],
        report: Callable[[float], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """The index of an architecture and its outcome, as they are ready, in any order.

        An outcome depends neither on where it was computed nor on the others of ``archs``.

        Args:
            before: outcomes of earlier calls, in the order in which they were asked for.
            report: called with the share of a training that is done, where that can be told.
        """

    def close(self) -> None:
        """End what was started."""


def estimates(trainings: Sequence[Outcome]) -> np.ndarray:
    """What each would have reached at its end, in percent, float64 (n,).

    Of the error of one that was stopped as much is left as the finished ones kept of theirs from
    that epoch on, on average.
    """
    finished = [each.epochs for each in trainings if not each.stopped]
    values = []
    for each in trainings:
        last = each.epochs[-1]
        if each.stopped:
            left = [_kept(epochs, len(each.epochs)) for epochs in finished]
            last = 100 - (100 - last) * float(np.mean(left))
        values.append(last)
    return np.array(values)


def _kept(epochs: Sequence[float], since: int) -> float:
    """The share of the error after an epoch that is left at the end."""
    error = 100 - epochs[since - 1]
    return (100 - epochs[-1]) / error if error > 0 else 1.0
