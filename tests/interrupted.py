"""Commands that are started, stopped by a signal half way, and started again.

They run in processes forked from one that has imported what commands need and done nothing else,
so that a start takes no seconds. What isn't installed is left out.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
TIMEOUT = 120.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        *(f"tegnas.cli.{name}" for name in ("compare", "refine", "search", "train")),
        "optuna",
        "torch._dynamo",  # which making an optimizer imports
        "sklearn.datasets",
        "sklearn.linear_model",
    ]
)


class Command:
    """One call of ``tegnas`` in a directory; what it prints goes to the files out and err there."""

    def __init__(self, words: tuple[str, ...], folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._process = _context.Process(target=_run, args=(words, folder))
        self._process.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def err(self) -> str:
        """What it wrote to stderr."""
        return (self._folder / "err").read_text()

    def finish(self) -> None:
        """Wait for an end without complaint."""
        assert self._end() == 0, self.err

    def stop(self, number: int, when, *, handled: bool = False) -> None:
        """Send a signal once ``when()`` holds; Ctrl-C ends in a sentence.

        ``handled``: a library has its own way to end by signals, and its own status.
        """
        deadline = time.monotonic() + TIMEOUT
        while not when():
            assert self._process.is_alive(), self.err
            assert time.monotonic() < deadline
            time.sleep(0.003)
        os.kill(self.pid, number)
        status = self._end()
        assert status != 0, self.err
        assert handled or status == (130 if number == signal.SIGINT else -number), self.err
        assert "Traceback" not in self.err
        if number == signal.SIGINT:
            assert self.err.splitlines()[-1].startswith("tegnas: stopped; ")

    def _end(self) -> int | None:
        self._process.join(TIMEOUT)
        return self._process.exitcode


def _run(words: tuple[str, ...], folder: Path) -> None:
    from tegnas.cli import main

    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(folder)
    # Processes that this one starts import this package as well.
    os.environ["PYTHONPATH"] = str(ROOT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    sys.argv = ["tegnas", *words]
    main()


def stored(path: Path) -> int:
    """How many architectures a store holds so far."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            query = "SELECT COUNT(DISTINCT architecture) FROM scores"
            return connection.execute(query).fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError:  # not there yet
        return 0


def lines(path: Path) -> int:
    """How many lines a file has so far."""
    return len(path.read_text().splitlines()) if path.exists() else 0


def children(pid: int) -> set[int]:
    """The processes that one has started."""
    found = set()
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and _status(int(each.name))[1] == str(pid):
            found.add(int(each.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process still runs."""
    return _status(pid)[0] not in ("", "Z", "X")


def _status(pid: int) -> tuple[str, str]:
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "", ""
    return state, parent


def without_times(value: object) -> object:
    """JSON without the seconds that are in it."""
    if isinstance(value, dict):
        timed = ("seconds", "seconds_spread")
        return {name: without_times(each) for name, each in value.items() if name not in timed}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def read(path: Path) -> object:
    """The JSON in a file, without seconds."""
    return without_times(json.loads(path.read_text()))
