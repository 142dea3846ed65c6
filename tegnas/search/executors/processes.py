"""Work in processes of this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import connection
from typing import Any

from tegnas.search.executors.base import MAX_ATTEMPTS, DiedAgainError
from tegnas.search.executors.worker import DiedError, Work, Worker


class ProcessPool:
    """Processes that each take one item at a time; one that dies takes no other with it.

    Its item goes back to the queue and a new process takes its place. No process outlives this
    one, however it ends.

    Args:
        work: called in a process with the task and an item; a function at the top of a module.
        task: what all items have in common, sent to a process once.
        workers: how many processes.
    """

    def __init__(self, work: Work, task: bytes, workers: int) -> None:
        self._work = work
        self._task = task
        self._workers = [Worker(work, task) for _ in range(workers)]

    def run(self, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The index of an item and its answer, as they come back.

        Raises ``DiedAgainError`` for an item that took down one process after the other.
        """
        queue = deque((index, 1) for index in range(len(items)))
        running: dict[int, tuple[int, int]] = {}
        try:
            while queue or running:
                for worker in range(len(self._workers)):
                    if queue and worker not in running:
                        running[worker] = queue.popleft()
                        self._living(worker).give(items[running[worker][0]])
                for worker in self._that_spoke(running):
                    try:
                        answer = self._workers[worker].answer()
                    except DiedError:
                        self._workers[worker].end()
                        item, attempt = running.pop(worker)
                        if attempt == MAX_ATTEMPTS:
                            raise DiedAgainError(item) from None
                        queue.append((item, attempt + 1))
                    else:
                        if answer is not None:
                            yield running.pop(worker)[0], answer
        finally:
            # Nobody wants the answers of those that are at something any more.
            for worker in running:
                self._workers[worker].end()

    def _living(self, index: int) -> Worker:
        if not self._workers[index].is_alive():
            self._workers[index].end()
            self._workers[index] = Worker(self._work, self._task)
        return self._workers[index]

    def _that_spoke(self, running: Mapping[int, object]) -> list[int]:
        pipes = {self._workers[index].pipe: index for index in running}
        return [pipes[pipe] for pipe in connection.wait(list(pipes))]  # type: ignore[index]

    def close(self) -> None:
        """End the processes; what they are at, nobody waits for any more."""
        for worker in self._workers:
            worker.end()
