"""What is known of a public benchmark's table: how to tell it, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

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
        part: the part of the table that a row is in, where it holds several: of different spaces,
            or trained in different ways. ``FILE.csv#part`` reads one alone.
        part_spaces: by part, the name of its own space where that isn't ``space``.
    """

    name: str
    space: str
    columns: Collection[str]
    truth: Collection[str]
    architecture: Callable[[Row], str] = lambda row: row["arch"]
    published: Collection[str] = ()
    belongs: Callable[[Row], bool] = lambda row: True
    part: Callable[[Row], str] | None = None
    part_spaces: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, row: Row) -> bool:
        """Whether a table with this first row is of the benchmark."""
        return set(self.columns) <= set(row) and self.belongs(row)
