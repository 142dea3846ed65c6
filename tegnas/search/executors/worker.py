"""One process that works for another one, and ends with it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

_READY = "ready"

Work = Callable[[bytes, Any], Any]
"""What a process does with the task and one item; its answer is never None."""


class DiedError(Exception):
    """The process ended before it answered."""


class _InWorkerError(Exception):
    """Where in the worker an error was raised: its traceback, as a text."""


class Worker:
    """The process, seen from the one that started it.

    They talk by a pipe. When this end of it closes, because the process here lets go of the worker
    or dies, by whatever signal, the worker ends at once, in the middle of what it computes.

    Args:
        work: called there with the task and every item.
        task: what all items have in common.

    Attributes:
        pipe: it has something to read when there is an ``answer``.
    """

    def __init__(self, work: Work, task: bytes) -> None:
        # Spawned, because a fork of a process with threads of torch may hang.
        context = multiprocessing.get_context("spawn")
        self.pipe, its_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(its_end,), daemon=True)
        with _deaf_to_interrupts():
            self._process.start()
        its_end.close()
        self._first: tuple[Work, bytes] | None = (work, task)
        self._item: Any = None

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def give(self, item: Any) -> None:
        """The next item; it is sent once the process can take it, so that nobody waits here."""
        self._item = item
        if self._first is None:
            self._send(item)

    def answer(self) -> Any:
        """The answer to the item; None if the process said something else, and is at it.

        Raises:
            DiedError: the process has ended.
            Exception: whatever the work raised.
        """
        try:
            said: Any = self.pipe.recv()
        except (EOFError, OSError):
            raise DiedError from None
        if said == _READY:
            self._send(self._first, self._item)
            self._first = None
            return None
        answer, error, trace = said
        if error is not None:
            raise error from _InWorkerError(trace)
        return answer

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
    """What runs in the process: the items that come by the pipe, one after the other."""
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, inbox), daemon=True).start()
    _say(pipe, _READY)
    work, task = inbox.get()
    while True:
        item = inbox.get()
        answer: tuple[Any, Exception | None, str]
        try:
            answer = (work(task, item), None, "")
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
