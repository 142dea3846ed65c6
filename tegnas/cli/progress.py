"""How far searches are, on stderr so that stdout holds the result alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBar
from rich.table import Column

from tegnas.search import Progress

# Seconds between two lines of a log, and before the first.
_EVERY = 30.0
_FIRST_AFTER = 5.0


class SearchView(Protocol):
    """Shows one run after the other, and nothing before the first of them has scores."""

    def show(self, title: str, state: Progress) -> None:
        """How far the run of that title is."""

    def close(self) -> None:
        """Leave what is shown as it is."""


class _Bar:
    """For a terminal."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._title: str | None = None
        self._before = 0
        self._task = bar.add_task("", total=None, rate="")

    def close(self) -> None:
        if self._title is not None:
            self._bar.stop()

    def show(self, title: str, state: Progress) -> None:
        if title != self._title:
            begun = self._title is not None
            self._title = title
            self._bar.reset(self._task, description=title, total=state.budget, rate="")
            self._before = state.scored  # these took place before the clock of the bar
            if not begun:  # it draws itself, so that it must know its title
                self._bar.start()
        elapsed = self._bar.tasks[0].elapsed or 0.0
        scored = state.scored - self._before
        parts = [f"{scored / elapsed:.1f} scores/s"] if scored and elapsed > 0 else []
        if state.measured:
            parts.append(f"{state.measured:,} timed")
        rate = ", ".join(parts)
        self._bar.update(self._task, completed=state.done, total=state.budget, rate=rate)


class Pace:
    """When a line is due in a file or a pipe: now and then, and never of what is soon over."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._next = self._begun + _FIRST_AFTER
        self._ended = False

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._begun

    def due(self, ended: bool) -> bool:
        """Whether to write a line now; the end is told where anything was."""
        logged = self._next > self._begun + _FIRST_AFTER
        now = time.monotonic()
        if self._ended or now < self._next and not (logged and ended):
            return False
        self._next, self._ended = now + _EVERY, ended
        return True


class _Log:
    """For a file or a pipe."""

    def __init__(self) -> None:
        self._title: str | None = None
        self._pace = Pace()
        self._before = self._done = 0

    def close(self) -> None:
        pass

    def show(self, title: str, state: Progress) -> None:
        if title != self._title:
            self._title, self._pace = title, Pace()
            self._before, self._done = state.scored, state.done
        if self._pace.due(state.done >= state.budget):
            print(self._line(state, self._pace.elapsed), file=sys.stderr, flush=True)

    def _line(self, state: Progress, elapsed: float) -> str:
        parts = [f"{self._title}: {state.done:,} of {state.budget:,} evaluations"]
        if state.measured:
            parts.append(f"{state.measured:,} timed")
        scored, done = state.scored - self._before, state.done - self._done
        if scored and elapsed > 0:
            parts.append(f"{scored / elapsed:.1f} scores/s")
        if done and state.done < state.budget:
            parts.append(f"about {elapsed * (state.budget - state.done) / done:,.0f} s left")
        return ", ".join(parts)


class _Nothing:
    """Where JSON is asked for and nobody looks."""

    def show(self, title: str, state: Progress) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def search_progress(as_json: bool) -> Iterator[SearchView]:
    """A bar on a terminal, else a line now and then; neither where only JSON is asked for."""
    with closing(_view(as_json)) as view:
        yield view


def _view(as_json: bool) -> SearchView:
    console = Console(stderr=True)
    if not console.is_terminal:
        return _Nothing() if as_json else _Log()
    return _bar(console)


def _bar(console: Console) -> _Bar:
    columns = (
        TextColumn("{task.description}"),
        # As wide as the others leave it, so that nothing is cut at 80 columns.
        BarColumn(None, table_column=Column(max_width=40)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rate]}"),
        TextColumn("left"),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
    )
    return _Bar(ProgressBar(*columns, console=console))
