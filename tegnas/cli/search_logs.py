"""Where a search is written besides its run directory, while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tegnas.analysis.tensorboard import TensorBoardLog
from tegnas.scoring import ScoreSettings
from tegnas.search import Evaluation
from tegnas.spaces import Space

Tell = Callable[[Sequence[Evaluation]], None]


@contextmanager
def search_logs(
    space: Space,
    settings: ScoreSettings,
    *,
    tensorboard: Path | None,
    storage: str | None,
    study: str,
) -> Iterator[Tell]:
    """What to tell every evaluation, for all logs that were asked for."""
    with ExitStack() as stack:
        logs: list[Tell] = []
        if tensorboard is not None:
            logs.append(stack.enter_context(TensorBoardLog(tensorboard)))
        if storage is not None:
            from tegnas.integrations.optuna import StudyLog

            logs.append(StudyLog(space, storage, study, settings))

        def tell(evaluations: Sequence[Evaluation]) -> None:
            for log in logs:
                log(evaluations)

        yield tell
