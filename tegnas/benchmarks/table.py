"""Accuracy tables: one row per architecture, read from CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from tegnas.benchmarks.columns import (
    accuracy_columns,
    default_column,
    is_lower_better,
    parse_columns,
)
from tegnas.benchmarks.csv_text import read_csv
from tegnas.errors import InputError
from tegnas.reading import listed
from tegnas.spaces import Space

_ARCH = "arch"


@dataclass(frozen=True, eq=False, repr=False)
class AccuracyTable:
    """Measured accuracies by architecture string: of all its values more is better.

    Attributes:
        rows: architecture string → accuracies by column name; a missing value has no entry.
        columns: the names of the accuracy columns. ``-NAME`` is the negated column NAME, of which
            less is better.
        column: the one that :meth:`accuracy` returns unless told otherwise.
        source: where the table came from.
    """

    rows: Mapping[str, Mapping[str, float]]
    columns: tuple[str, ...]
    column: str
    source: str

    def __post_init__(self) -> None:
        self._require(self.column)

    def accuracy(self, arch: object, column: str | None = None) -> float | None:
        """The accuracy of ``arch``, or None where the table has none; it is never guessed.

        Architectures are found by the exact text ``str(arch)``: an isomorphic cell is another row,
        and one in another notation too (see :meth:`written_by`).

        Raises:
            InputError: the table has no such ``column``.
        """
        name = self.column if column is None else self._require(column)
        return self.rows.get(str(arch), {}).get(name)

    def written_by(self, space: Space) -> AccuracyTable:
        """The same table with every architecture written as ``space`` writes it.

        Tables from elsewhere have their own notations, which ``space.parse`` reads. What it can't
        read stays as it is: the row of an architecture of another space.

        Raises:
            InputError: two rows are one architecture in two notations.
        """
        rows: dict[str, Mapping[str, float]] = {}
        for text, values in self.rows.items():
            try:
                written = str(space.parse(text))
            except InputError:
                written = text
            if written in rows:
                raise InputError(
                    f"{self.source} has the architecture {written} twice, the second time as "
                    f"{text}; keep one of them"
                )
            rows[written] = values
        return replace(self, rows=rows)

    def __getitem__(self, arch: object) -> Mapping[str, float]:
        """All accuracies of ``arch`` by column name; KeyError where the table lacks it."""
        return self.rows[str(arch)]

    def __contains__(self, arch: object) -> bool:
        return str(arch) in self.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"AccuracyTable({self.source!r}, {len(self)} architectures, {self.column!r})"

    def _require(self, column: str) -> str:
        if column not in self.columns:
            raise InputError(
                f"{self.source} has no numeric column '{column}'; it has {listed(self.columns)}"
            )
        return column


def load_table(
    path: str | PathLike[str],
    column: str | None = None,
    *,
    higher_is_better: bool | None = None,
) -> AccuracyTable:
    """Reads a CSV file with a column ``arch`` and at least one numeric column.

    The accuracy columns are the numeric ones, less those whose names say otherwise: bookkeeping
    (index, class, seed, parameters, FLOPs, time and the like) and what is better the lower it is
    (error, loss, regret, rank; see :mod:`tegnas.benchmarks.columns`). The default column is the
    first that is called accuracy, else the first that is called by a data set or a split, of those
    to the right of ``arch`` if there is one. Blank cells and "nan" are missing values.

    A column of errors is used as ``FILE.csv#-test_error``: the table then holds its negated values
    under the name ``-test_error``, so that more is better, as everywhere.

    Args:
        path: the file, ``FILE.csv#column`` to choose the column, ``FILE.csv#-column`` to choose one
            of which less is better and ``FILE.csv#+column`` for one of which more is better in
            spite of its name.
        column: the column to use by default, which may be any numeric column; with the same signs.
        higher_is_better: the direction of the column; by default that of its name or sign.

    Raises:
        InputError: the file is missing, empty or not CSV text, has no ``arch`` column, names a
            column or an architecture twice, has a row of a wrong length or a cell that is no
            finite number among numbers, has no numeric column or not the one asked for, or the
            direction of the column isn't sure.
    """
    file, chosen = _split_column(path, column)
    header, lines, rows = _read(file)
    arch_position = header.index(_ARCH)
    archs = _architectures(file, arch_position, lines, rows)
    others = [position for position in range(len(header)) if position != arch_position]
    numeric = parse_columns(str(file), lines, {header[p]: [row[p] for row in rows] for p in others})
    names = accuracy_columns(list(numeric))
    if chosen is None:
        right = set(header[arch_position:])
        chosen = default_column(str(file), list(numeric), right, higher_is_better)
    else:
        chosen, higher_is_better = _signed(chosen, numeric, higher_is_better)
    if chosen in numeric and higher_is_better is None and is_lower_better(chosen):
        raise InputError(
            f"of '{chosen}' in {file} less is better by its name: write FILE.csv#-{chosen} if that "
            f"is so, or FILE.csv#+{chosen} if more is better"
        )
    if chosen in numeric and higher_is_better is False:
        negated = f"-{chosen}"
        numeric[negated] = [None if value is None else -value for value in numeric[chosen]]
        names = [negated if name == chosen else name for name in names]
        chosen = negated
    if chosen in numeric and chosen not in names:
        names.append(chosen)
    table = {
        arch: {name: value for name in names if (value := numeric[name][i]) is not None}
        for i, arch in enumerate(archs)
    }
    return AccuracyTable(table, tuple(names), chosen, str(file))


def _signed(
    chosen: str, numeric: Mapping[str, object], higher_is_better: bool | None
) -> tuple[str, bool | None]:
    """The column's name without a sign, and the direction that sign or caller gave it."""
    bare = chosen[1:]
    if chosen in numeric or chosen[:1] not in ("-", "+") or bare not in numeric:
        return chosen, higher_is_better
    direction = chosen[0] == "+"
    if higher_is_better is not None and higher_is_better != direction:
        raise InputError(
            f"'{chosen}' and higher_is_better={higher_is_better} say opposite things; give one"
        )
    return bare, direction


def load_columns(path: str | PathLike[str]) -> dict[str, dict[str, float]]:
    """Every numeric column of a CSV file with a column ``arch``: name → architecture → value.

    Blank cells and "nan" are missing and have no entry.

    Raises:
        InputError: as ``load_table`` does, or no column holds numbers.
    """
    file = Path(path).expanduser()
    header, lines, rows = _read(file)
    arch_position = header.index(_ARCH)
    archs = _architectures(file, arch_position, lines, rows)
    others = [position for position in range(len(header)) if position != arch_position]
    numeric = parse_columns(str(file), lines, {header[p]: [row[p] for row in rows] for p in others})
    if not numeric:
        raise InputError(f"{file} has no column of numbers beside '{_ARCH}'")
    return {
        name: {arch: value for arch, value in zip(archs, values, strict=True) if value is not None}
        for name, values in numeric.items()
    }


def _split_column(path: str | PathLike[str], column: str | None) -> tuple[Path, str | None]:
    whole = Path(path).expanduser()
    if whole.exists() or "#" not in whole.name:
        return whole, column
    name, _, named = whole.name.rpartition("#")
    if column is not None and column != named:
        raise InputError(f"two columns are asked for, '{named}' and '{column}'; name one")
    return whole.with_name(name) if name else whole, named


def _read(file: Path) -> tuple[list[str], list[int], list[list[str]]]:
    """The header, and of every row the line number and the cells."""
    text = read_csv(file)
    if _ARCH not in text.header:
        raise InputError(
            f"the accuracy table {file} has no column '{_ARCH}'; its header is "
            f"{listed(text.header)}"
        )
    return text.header, text.lines, text.rows


def _architectures(file: Path, position: int, lines: list[int], rows: list[list[str]]) -> list[str]:
    first_line: dict[str, int] = {}
    for line, row in zip(lines, rows, strict=True):
        arch = row[position]
        if not arch:
            raise InputError(f"{file}, line {line}: the architecture is blank")
        if arch in first_line:
            raise InputError(
                f"{file}, line {line}: architecture {arch} is there already, in line "
                f"{first_line[arch]}; keep one of them"
            )
        first_line[arch] = line
    return list(first_line)
