"""What is known of a public benchmark's table: how to tell it, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

Row = Mapping[str, str]
"""The cells of a row by column name."""


@dataclass(frozen=True)
class TableFormat:
    """A public benchmark as its table is written.

    Attributes:
        name: of the benchmark.
        space: name of the search space, as ``get_space`` takes it.
        columns: those that the table must have.
        truth: the columns of trained quality that it may have; more is better in all of them.
        architecture: gives of a row the text that the space's ``parse`` reads.
        published: columns that others rank architectures by (sizes, training-free scores), where
            the table has them; more is taken as better.
        belongs: whether a row is of this benchmark, where ``columns`` alone can't tell.
    """

    name: str
    space: str
    columns: Collection[str]
    truth: Collection[str]
    architecture: Callable[[Row], str] = lambda row: row["arch"]
    published: Collection[str] = ()
    belongs: Callable[[Row], bool] = lambda row: True

    def is_of(self, row: Row) -> bool:
        """Whether a table with this first row is of the benchmark."""
        return set(self.columns) <= set(row) and self.belongs(row)
