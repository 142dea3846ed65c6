"""The cells of a CSV file, with the lines that they stand in."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tegnas.errors import InputError
from tegnas.reading import regular_file


@dataclass(frozen=True)
class CsvText:
    """A header and the rows below it; blank lines are left out.

    Attributes:
        header: the names of the columns, all different.
        lines: the line of the file that each row ends in, for messages.
        rows: as many cells each as the header has, without spaces around them.
    """

    header: list[str]
    lines: list[int]
    rows: list[list[str]]


def read_csv(file: Path) -> CsvText:
    """Reads an accuracy table.

    Raises:
        InputError: the file is missing, is no CSV text, has no rows, names a column twice, or has
            a row of a wrong length.
    """
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        with regular_file(file, "the accuracy table").open(
            newline="", encoding="utf-8-sig"
        ) as text:
            reader = csv.reader(text, strict=True)
            for row in reader:
                if row:
                    lines.append(reader.line_num)
                    rows.append([cell.strip() for cell in row])
    except OSError as error:
        raise InputError(
            f"the accuracy table {file} can't be read ({error.strerror}); check the path"
        ) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"the accuracy table {file} is not CSV text ({error})") from None
    if len(rows) < 2:
        raise InputError(f"the accuracy table {file} is empty; it needs a header and rows")
    header = rows[0]
    for name, count in Counter(header).items():
        if count > 1:
            raise InputError(f"the accuracy table {file} has two columns named '{name}'")
    for line, row in zip(lines[1:], rows[1:], strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{file}, line {line}: {len(row)} cells where the header has {len(header)}"
            )
    return CsvText(header, lines[1:], rows[1:])
