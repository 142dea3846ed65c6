"""One process that scores batches for another one, and ends with it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from tegnas.search.executors.work import Table, score_batch

_READY = "ready"


class DiedError(Exception):
    """The process ended before it answered."""


class _InWorkerError(Exception):
    """Where in the worker an error was raised: its traceback, as a text."""


class Worker:
    """The process, seen from the one that started it.

    They talk by a pipe. When this end of it closes, because the process here lets go of the worker
    or dies, by whatever signal, the worker ends at once, in the middle of what it computes.

    Args:
        task: what ``pack_task`` made.

    Attributes:
        pipe: it has something to read when there is an ``answer``.
    """

    def __init__(self, task: bytes) -> None:
        # Spawned, because a fork of a process with threads of torch may hang.
        context = multiprocessing.get_context("spawn")
        self.pipe, its_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(its_end,), daemon=True)
        with _deaf_to_interrupts():
            self._process.start()
        its_end.close()
        self._task = task
        self._texts: list[str] = []

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def give(self, texts: list[str]) -> None:
        """The next batch; it is sent once the process can take it, so that nobody waits here."""
        self._texts = texts
        if not self._task:
            self._send(texts)

    def answer(self) -> Table | None:
        """The scores of the batch; None if the process said something else, and is at it.

        Raises:
            DiedError: the process has ended.
            Exception: whatever scoring raised.
        """
        try:
            said: Any = self.pipe.recv()
        except (EOFError, OSError):
            raise DiedError from None
        if said == _READY:
            self._send(self._task, self._texts)
            self._task = b""
            return None
        table, error, trace = said
        if error is not None:
            raise error from _InWorkerError(trace)
        return table

    def _send(self, *messages: object) -> None:
        try:
            for message in messages:
                self.pipe.send(message)
        except OSError:
            pass  # it has died, which ``answer`` finds out

    def end(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile never see Ctrl-C, from their first instruction on.

    Ctrl-C reaches the whole group of processes, and is for the one that asked, which gets it when
    this is left.
    """
    # When this starts, with the first process, it lets interrupts through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection) -> None:
    """What runs in the process: the batches that come by the pipe, one after the other."""
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, inbox), daemon=True).start()
    _say(pipe, _READY)
    task = inbox.get()
    while True:
        texts = inbox.get()
        answer: tuple[Table | None, Exception | None, str]
        try:
            answer = (score_batch(task, texts)[1], None, "")
        except Exception as error:
            answer = (None, _portable(error), traceback.format_exc())
        _say(pipe, answer)


def _say(pipe: Connection, message: object) -> None:
    try:
        pipe.send(message)
    except OSError:
        os._exit(1)  # nobody listens any more, so there is nobody to complain to either


def _receive(pipe: Connection, inbox: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            inbox.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(1)  # not by an exception: the main thread may be in native code for long


def _portable(error: Exception) -> Exception:
    """The error, or if it can't travel one that says the same."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
