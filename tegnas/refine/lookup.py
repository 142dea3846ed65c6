"""Trainings that somebody else did: accuracies looked up in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tegnas.benchmarks import AccuracyTable
from tegnas.errors import InputError
from tegnas.refine.training import Outcome
from tegnas.spaces import Architecture, Space


class TableTrainer:
    """Looks accuracies up; only architectures that the table knows are candidates.

    Args:
        space: in whose notation the tables are read.
        observed: the accuracy that a training gives, e.g. that of one seed.
        truth: what the find is worth, e.g. the mean over seeds; nothing is decided by it.

    """

    def __init__(
        self, space: Space, observed: AccuracyTable, truth: AccuracyTable | None = None
    ) -> None:
        self._observed = observed.written_by(space)
        self._truth = None if truth is None else truth.written_by(space)

    def knows(self, arch: Architecture) -> bool:
        """Whether the table has its accuracy."""
        return self._observed.accuracy(arch) is not None

    def truth(self, arch: Architecture) -> float | None:
        """What the other table says."""
        return None if self._truth is None else self._truth.accuracy(arch)

    def options(self) -> dict[str, object]:
        """The table and its column."""
        return {"table": self._observed.source, "column": self._observed.column}

    def run(
        self,
        archs: Sequence[Architecture],
        before: Sequence[Outcome],
        report: Callable[[float], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """The accuracies, in order."""
        for index, arch in enumerate(archs):
            accuracy = self._observed.accuracy(arch)
            if accuracy is None:
                raise InputError(f"{self._observed.source} doesn't know {arch}")
            yield index, Outcome((accuracy,))

    def close(self) -> None:
        """Nothing was started."""
