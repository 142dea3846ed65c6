"""Which columns of a table hold accuracies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tegnas.errors import InputError

# Words that name something else than an accuracy; names are split at anything but letters, so
# "iso_class", "params_M" and "flops_M" are caught and "cifar10_test200" is not.
_BOOKKEEPING = {
    "index", "idx", "id", "number", "iso", "class", "rank", "epoch", "epochs",
    "param", "params", "parameters", "flop", "flops", "mac", "macs", "size", "memory",
    "time", "seconds", "latency", "loss", "kappa", "regions", "mse",
}  # fmt: skip


def parse_columns(
    source: str, lines: Sequence[int], columns: Mapping[str, Sequence[str]]
) -> dict[str, list[float | None]]:
    """The numeric columns among ``columns`` (name → cells), None for a missing value.

    A column without any number (notes, names) is left out.

    Args:
        source: the table's name, for messages.
        lines: the line number of each row, for messages.
        columns: cells by column name.

    Raises:
        InputError: a cell among numbers, or in a column called accuracy, is no finite number.
    """
    numeric: dict[str, list[float | None]] = {}
    for name, cells in columns.items():
        parsed = [_number(cell) for cell in cells]
        has_numbers = any(isinstance(value, float) for value in parsed)
        if not has_numbers and not ("acc" in name.lower() and any(cells)):
            continue
        for line, cell, value in zip(lines, cells, parsed, strict=True):
            if value is False:
                raise InputError(
                    f"{source}, line {line}: '{cell}' in column '{name}' is no finite number; "
                    "leave the cell blank where the value is missing"
                )
        numeric[name] = [value if isinstance(value, float) else None for value in parsed]
    return numeric


def _number(cell: str) -> float | None | bool:
    """The cell's number, None where it is missing, False where it is something else."""
    if cell.lower() in ("", "nan"):
        return None
    try:
        value = float(cell)
    except ValueError:
        return False
    return value if math.isfinite(value) else False


def accuracy_columns(names: Sequence[str]) -> list[str]:
    """The names that don't say that the column is something else than an accuracy."""
    return [name for name in names if "acc" in name.lower() or not _is_bookkeeping(name.lower())]


def _is_bookkeeping(name: str) -> bool:
    # A column "seed" numbers the runs, but "test_seed1" is the accuracy of one of them.
    return name == "seed" or not _BOOKKEEPING.isdisjoint(re.split(r"[^a-z]+", name))


def default_column(source: str, names: Sequence[str], right_of_arch: set[str]) -> str:
    """The first column named like "acc", else the first right of ``arch``, else the first.

    Raises:
        InputError: there is no accuracy column.
    """
    if not names:
        raise InputError(
            f"{source} has no accuracy column: no numeric column that is not an index, size or "
            "cost; name the one to use as FILE.csv#column"
        )
    called_accuracy = [name for name in names if "acc" in name.lower()]
    right = [name for name in names if name in right_of_arch]
    return (called_accuracy or right or list(names))[0]
