"""Scores in processes of this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import connection

from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.executors.base import MAX_ATTEMPTS, WorkerDiedError, split
from tegnas.search.executors.work import BATCH, scores_of
from tegnas.search.executors.worker import DiedError, Worker
from tegnas.spaces import Architecture


class ProcessExecutor:
    """Processes that each take one batch at a time; one that dies takes no other with it.

    Its batch goes back to the queue and a new process takes its place. No process outlives this
    one, however it ends.
    """

    def __init__(self, task: bytes, settings: ScoreSettings, workers: int) -> None:
        self._task = task
        self._settings = settings
        self._workers = [Worker(task) for _ in range(workers)]

    def run(self, archs: Sequence[Architecture]) -> Iterator[Scores]:
        """Scores batch by batch, as they come back."""
        queue = deque((batch, 1) for batch in split(archs, BATCH, len(self._workers)))
        running: dict[int, tuple[list[Architecture], int]] = {}
        try:
            while queue or running:
                for index in range(len(self._workers)):
                    if queue and index not in running:
                        running[index] = queue.popleft()
                        self._living(index).give([str(arch) for arch in running[index][0]])
                for index in self._that_spoke(running):
                    try:
                        table = self._workers[index].answer()
                    except DiedError:
                        self._workers[index].end()
                        batch, attempt = running.pop(index)
                        if attempt == MAX_ATTEMPTS:
                            raise WorkerDiedError(batch) from None
                        queue.append((batch, attempt + 1))
                    else:
                        if table is not None:
                            yield scores_of(running.pop(index)[0], self._settings, table)
        finally:
            # Nobody wants the answers of those that are at something any more.
            for index in running:
                self._workers[index].end()

    def _living(self, index: int) -> Worker:
        if not self._workers[index].is_alive():
            self._workers[index].end()
            self._workers[index] = Worker(self._task)
        return self._workers[index]

    def _that_spoke(self, running: Mapping[int, object]) -> list[int]:
        pipes = {self._workers[index].pipe: index for index in running}
        return [pipes[pipe] for pipe in connection.wait(list(pipes))]  # type: ignore[index]

    def close(self) -> None:
        """End the processes; what they are at, nobody waits for any more."""
        for worker in self._workers:
            worker.end()
