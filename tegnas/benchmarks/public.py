"""Tables of the public benchmarks, recognised by their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tegnas.benchmarks.columns import parse_columns
from tegnas.benchmarks.csv_text import CsvText, read_csv
from tegnas.benchmarks.formats import FORMATS, Row, TableFormat
from tegnas.errors import InputError
from tegnas.reading import listed
from tegnas.spaces import Architecture, Space, get_space


@dataclass(frozen=True, eq=False, repr=False)
class Benchmark:
    """The trained architectures of one public benchmark.

    Attributes:
        name: of the benchmark, with ``#part`` where one part was read.
        space: of its architectures.
        archs: one per row.
        truth: trained quality by column, float64 (A,), NaN where it isn't known; more is better.
        facts: the other columns of numbers (parameters, FLOPs, latencies, published scores, …),
            float64 (A,), NaN where there is none.
        published: the facts that others rank architectures by.
        source: the file.
    """

    name: str
    space: Space
    archs: tuple[Architecture, ...]
    truth: Mapping[str, NDArray[np.float64]]
    facts: Mapping[str, NDArray[np.float64]]
    published: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.archs)

    def __repr__(self) -> str:
        return f"Benchmark({self.name!r}, {len(self)} architectures, {listed(self.truth)})"


def load_benchmark(path: str | PathLike[str]) -> Benchmark:
    """Reads the table of a public benchmark; which one it is, its columns tell.

    Args:
        path: a CSV file with the columns that the benchmark is published with; any number of rows
            in any order. Of a table with several parts (of different spaces, or trained in
            different ways) ``FILE.csv#part`` is one, in the space of that part alone.

    Raises:
        InputError: the file can't be read, is of no benchmark that is known, has a row that its
            space doesn't read, or hasn't the part; what the table isn't known by, ``load_table``
            reads.
    """
    file, part = _split_part(path)
    text = read_csv(file)
    rows: list[Row] = [dict(zip(text.header, cells, strict=True)) for cells in text.rows]
    known = next((each for each in FORMATS if each.is_of(rows[0])), None)
    if known is None:
        raise InputError(
            f"{file} is of none of the benchmarks that tegnas knows by their columns "
            f"({listed(each.name for each in FORMATS)}); it has {listed(text.header)}. A table of "
            "another one is read by load_table, with a column 'arch' in the notation of its space"
        )
    if part is not None:
        text, rows = _of_part(file, text, rows, known, part)
    space = get_space(known.space if part is None else known.part_spaces.get(part, known.space))
    archs = []
    for line, row in zip(text.lines, rows, strict=True):
        try:
            archs.append(space.parse(known.architecture(row)))
        except InputError as error:
            raise InputError(f"{file}, line {line}: {error}") from None
    numbers = _numbers(file, text, known)
    truth = {name: numbers.pop(name) for name in text.header if name in known.truth}
    published = tuple(name for name in numbers if name in known.published)
    name = known.name if part is None else f"{known.name}#{part}"
    return Benchmark(name, space, tuple(archs), truth, numbers, published, str(file))


def _split_part(path: str | PathLike[str]) -> tuple[Path, str | None]:
    whole = Path(path).expanduser()
    if whole.exists() or "#" not in whole.name:
        return whole, None
    name, _, part = whole.name.rpartition("#")
    return whole.with_name(name) if name else whole, part


def _of_part(
    file: Path, text: CsvText, rows: list[Row], known: TableFormat, part: str
) -> tuple[CsvText, list[Row]]:
    """The rows of one part."""
    if known.part is None:
        raise InputError(
            f"{file} is a table of {known.name}, which has no parts; leave #{part} out"
        )
    parts = [known.part(row) for row in rows]
    chosen = [index for index, each in enumerate(parts) if each == part]
    if not chosen:
        raise InputError(
            f"{file} has no part {part!r}; it has {listed(list(dict.fromkeys(parts)))}"
        )
    kept = CsvText(
        text.header, [text.lines[index] for index in chosen], [text.rows[index] for index in chosen]
    )
    return kept, [rows[index] for index in chosen]


def _numbers(file: Path, text: CsvText, known: TableFormat) -> dict[str, NDArray[np.float64]]:
    """Every column of numbers; those of trained quality even where all of them are missing."""
    cells = {name: [row[i] for row in text.rows] for i, name in enumerate(text.header)}
    numeric = parse_columns(str(file), text.lines, _without_text(cells))
    for name in set(known.truth) & set(cells) - set(numeric):
        numeric[name] = [None] * len(text.rows)
    return {
        name: np.array([np.nan if value is None else value for value in values])
        for name, values in numeric.items()
    }


def _without_text(cells: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The columns less those of text, in which some cells or all happen to be digits."""
    return {
        name: each
        for name, each in cells.items()
        if name != "arch" and not any(map(_is_text, each))
    }


def _is_text(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return True
    return False
