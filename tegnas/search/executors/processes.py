"""Scores in processes of this machine."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.executors.base import MAX_ATTEMPTS, WorkerDiedError, split
from tegnas.search.executors.work import BATCH, score_batch, scores_of
from tegnas.spaces import Architecture


class ProcessExecutor:
    """One pool of a single process per worker, so that one that dies takes no other with it.

    Its batch goes back to the queue and a new process takes its place.
    """

    def __init__(self, task: bytes, settings: ScoreSettings, workers: int) -> None:
        self._task = task
        self._settings = settings
        self._pools = [_start() for _ in range(workers)]

    def run(self, archs: Sequence[Architecture]) -> Iterator[Scores]:
        """Scores batch by batch, as they come back."""
        queue = deque((batch, 1) for batch in split(archs, BATCH, len(self._pools)))
        idle = list(range(len(self._pools)))
        running: dict[Future, tuple[int, list[Architecture], int]] = {}
        while queue or running:
            while queue and idle:
                batch, attempt = queue.popleft()
                worker = idle.pop()
                texts = [str(arch) for arch in batch]
                try:
                    future = self._pools[worker].submit(score_batch, self._task, texts)
                except BrokenProcessPool:  # died between two batches
                    self._replace(worker)
                    future = self._pools[worker].submit(score_batch, self._task, texts)
                running[future] = (worker, batch, attempt)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker, batch, attempt = running.pop(future)
                idle.append(worker)
                try:
                    _, table = future.result()
                except BrokenProcessPool:
                    self._replace(worker)
                    if attempt == MAX_ATTEMPTS:
                        raise WorkerDiedError(batch) from None
                    queue.append((batch, attempt + 1))
                else:
                    yield scores_of(batch, self._settings, table)

    def _replace(self, worker: int) -> None:
        self._pools[worker].shutdown(wait=False)
        self._pools[worker] = _start()

    def close(self) -> None:
        """End the processes once they have finished the batch at hand."""
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)


def _start() -> ProcessPoolExecutor:
    # Spawned, because a fork of a process with threads of torch may hang. Ctrl-C reaches the whole
    # group of processes, and is for the one that asked.
    return ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
