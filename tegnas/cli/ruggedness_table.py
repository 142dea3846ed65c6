"""How the ruggedness of a landscape is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from tegnas.analysis.ruggedness import Ruggedness
from tegnas.cli.tables import plain_table
from tegnas.cli.terminal import output

_HEADER = (
    "quantity",
    "architectures",
    "local optima",
    "basin of the best",
    "autocorrelation",
    "correlation length",
    "distance correlation",
)

# Where a heading is broken in a terminal of 80 columns.
_NARROW = {
    "architectures": "archi-\ntectures",
    "local optima": "local\noptima",
    "basin of the best": "basin of\nthe best",
    "autocorrelation": "auto-\ncorrelation",
    "correlation length": "correlation\nlength",
    "distance correlation": "distance\ncorrelation",
}


def print_ruggedness(
    figures: Sequence[Ruggedness], agreements: dict[str, float], count: int
) -> None:
    """One row per quantity, and how well T, E and G agree."""
    table = plain_table(f"Ruggedness under single changes, {count:,} architectures")
    table.add_column(_HEADER[0], no_wrap=True)
    for heading in _HEADER[1:]:
        table.add_column(_NARROW.get(heading, heading), justify="right", overflow="fold")
    table.collapse_padding = True
    for each in figures:
        table.add_row(*_cells(each))
    console = output()
    console.print(table)
    console.print(_agreement(agreements))


def ruggedness_markdown(figures: Sequence[Ruggedness], agreements: dict[str, float]) -> str:
    """The same as a table in Markdown."""
    rows = [_HEADER, ("---", *("---:" for _ in _HEADER[1:])), *map(_cells, figures)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", _agreement(agreements) + "."]) + "\n"


def ruggedness_json(
    figures: Sequence[Ruggedness], agreements: dict[str, float], count: int
) -> dict[str, object]:
    """The same, ready for JSON; what isn't defined becomes null."""
    rows = [{name: _finite(value) for name, value in asdict(each).items()} for each in figures]
    values = {name: _finite(value) for name, value in agreements.items()}
    return {"architectures": count, "ruggedness": rows, "agreement": values}


def _cells(each: Ruggedness) -> tuple[str, ...]:
    return (
        each.name,
        f"{each.count:,}",
        f"{each.optima:,}",
        f"{100 * each.basin:.0f} %",
        _number(each.autocorrelation),
        _number(each.correlation_length, 1),
        _number(each.distance_correlation),
    )


def _agreement(agreements: dict[str, float]) -> str:
    pairs = ", ".join(f"{name} {_number(value)}" for name, value in agreements.items())
    return f"Agreement (Kendall τ): {pairs}"


def _number(value: float, digits: int = 2) -> str:
    return "—" if math.isnan(value) else f"{value:.{digits}f}"


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
