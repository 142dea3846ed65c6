"""A bar for those who call from Python: in a terminal and, by rich's own widget, in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Show(Protocol):
    """Takes how much is done, and of how much."""

    def __call__(self, done: int, total: int) -> None:
        """Draw it."""


@contextmanager
def progress_bar(title: str) -> Iterator[Show]:
    """A bar; what it gives takes how much is done, and of how much."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining()
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show
