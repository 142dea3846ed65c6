"""A search's course in TensorBoard, while it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from tegnas.errors import InputError
from tegnas.search import Evaluation
from tegnas.search.evaluation import rank_scores


class TensorBoardLog:
    """Give it to ``tegnas.search`` as ``evaluated``: indicators of each evaluation and the best.

    The best is the one by rank score over the evaluations so far. Failures (inf) leave gaps. A
    context manager: leaving it writes what is left.

    Raises:
        InputError: the package tensorboard is missing, or the folder can't be written.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError(
                "logging to TensorBoard needs the package tensorboard; install it with: "
                "pip install 'tegnas[tensorboard]'"
            ) from None
        try:
            # A resumed search tells everything again: what an earlier one wrote is superseded.
            self._writer = SummaryWriter(str(folder), purge_step=0)
        except OSError as error:
            raise InputError(f"{folder} can't be written: {error.strerror}") from None
        self._history: list[Evaluation] = []

    def __call__(self, evaluations: Sequence[Evaluation]) -> None:
        """Log the next evaluations."""
        first = len(self._history)
        self._history.extend(evaluations)
        for step, each in enumerate(evaluations, start=first + 1):
            self._write("all", each, step)
        sums = rank_scores(self._history)
        self._write("best", self._history[int(sums.argmin())], len(self._history))

    def _write(self, which: str, each: Evaluation, step: int) -> None:
        for indicator, value in zip(each.settings.indicators, each.values, strict=True):
            drawn = float(indicator.drawn(np.array(value)))
            if not math.isnan(drawn):
                scale = "log10 " if indicator.log_scale else ""
                title = f"{indicator.role}/{scale}{indicator.name} ({which})"
                self._writer.add_scalar(title, drawn, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
