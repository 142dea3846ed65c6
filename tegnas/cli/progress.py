"""The progress bar of searches, on stderr so that stdout holds the result alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBar

from tegnas.search import Progress


class SearchView:
    """Shows one run after the other, and nothing before the first of them has scores."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._title: str | None = None
        self._before = 0
        self._task = bar.add_task("", total=None, rate="")

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._title is not None:
            self._bar.stop()

    def show(self, title: str, state: Progress) -> None:
        """How far the run of that title is."""
        if title != self._title:
            self._bar.start()
            self._title = title
            self._bar.reset(self._task, description=title, total=state.budget, rate="")
            self._before = state.scored  # these took place before the clock of the bar
        elapsed = self._bar.tasks[0].elapsed or 0.0
        scored = state.scored - self._before
        rate = f"{scored / elapsed:.1f} scores/s" if scored and elapsed > 0 else ""
        self._bar.update(self._task, completed=state.done, total=state.budget, rate=rate)


@contextmanager
def search_progress(as_json: bool) -> Iterator[SearchView]:
    """A progress bar; none where JSON is asked for and nobody looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    hidden = as_json and not console.is_terminal
    with closing(SearchView(ProgressBar(*columns, console=console, disable=hidden))) as view:
        yield view
