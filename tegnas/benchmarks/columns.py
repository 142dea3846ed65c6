"""Which columns of a table hold accuracies."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

from tegnas.errors import InputError
from tegnas.reading import listed

# Names are split at anything but letters, so "iso_class", "params_M" and "flops_M" are caught and
# "cifar10_test200" is not.

# Words that name something else than a quality of the trained network.
_BOOKKEEPING = {
    "index", "idx", "id", "number", "iso", "class", "epoch", "epochs", "std", "sd", "stderr",
    "stdev", "var", "variance", "spread", "param", "params", "parameters", "flop", "flops", "mac",
    "macs", "size", "memory", "time", "seconds", "latency", "regions",
}  # fmt: skip

# Words and parts of words that name something of which less is better.
_LOWER = {
    "err", "errs", "rank", "ranks", "ranking", "nll", "ppl", "mse", "rmse", "mae", "wer", "cer",
    "fid", "bpc", "eer", "ce", "kappa", "lower", "cost", "miss", "gap", "xent",
}  # fmt: skip
_LOWER_PARTS = ("error", "loss", "regret", "perplex", "entropy", "misclass")

# Words by which tables of accuracies go without saying so: a data set or a split.
_CUSTOMARY = {
    "top", "test", "tests", "val", "valid", "validation", "eval", "train", "cifar", "imagenet",
    "inet", "svhn", "mnist",
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
        if not has_numbers and not (_is_called_accuracy(name) and any(cells)):
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
    return [
        name
        for name in names
        if _is_called_accuracy(name) or not (_is_bookkeeping(name) or is_lower_better(name))
    ]


def is_lower_better(name: str) -> bool:
    """Whether the name says that less is better: an error, a loss, a regret, a rank."""
    return any(part in name.lower() for part in _LOWER_PARTS) or not _LOWER.isdisjoint(_words(name))


def default_column(
    source: str,
    names: Sequence[str],
    right_of_arch: Collection[str],
    higher_is_better: bool | None,
) -> str:
    """The column that is meant where none is named.

    It is the first called accuracy, else the first right of ``arch`` (or anywhere) that is called
    by a data set or a split. Any other column isn't taken without a word about its direction; with
    one, the first whose name doesn't say the opposite is.

    Args:
        source: the table's name, for messages.
        names: the numeric columns.
        right_of_arch: those of them to the right of ``arch``.
        higher_is_better: what the user said of the direction.

    Raises:
        InputError: there is no such column.
    """
    accuracies = [name for name in names if _is_called_accuracy(name)]
    lower = [name for name in names if is_lower_better(name)]
    rest = [
        name for name in accuracy_columns(names) if name not in accuracies and name not in lower
    ]
    if higher_is_better is None:
        rest = [name for name in rest if not _CUSTOMARY.isdisjoint(_words(name))]
    first, second = (lower, rest) if higher_is_better is False else (accuracies, rest)
    right = [name for name in second if name in right_of_arch]
    found = first or right or second
    if found:
        return found[0]
    unsure = [name for name in names if not _is_bookkeeping(name)]
    if unsure:
        raise InputError(
            f"{source} has no column called accuracy, and whether more or less is better isn't "
            f"sure of the others ({listed(unsure)}): name one as FILE.csv#+{unsure[0]} if more is "
            f"better, or as FILE.csv#-{unsure[0]} if less is"
        )
    raise InputError(
        f"{source} has no accuracy column: no numeric column that is not an index, size or cost; "
        "name the one to use as FILE.csv#column"
    )


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z]+", name.lower())


def _is_called_accuracy(name: str) -> bool:
    """Whether it is an accuracy by its name; that of "acc_std" or "acc_rank" is another thing."""
    words = _words(name)
    called = any(re.fullmatch(r"[a-z]*acc|acc[us]?|[a-z]*accurac(y|ies)", word) for word in words)
    spread = {"std", "sd", "stderr", "stdev", "var", "variance", "spread"}
    return called and not is_lower_better(name) and spread.isdisjoint(words)


def _is_bookkeeping(name: str) -> bool:
    # A column "seed" numbers the runs, but "test_seed1" is the accuracy of one of them.
    return name.lower() == "seed" or not _BOOKKEEPING.isdisjoint(_words(name))
