"""The comparisons of ``bench/searches.py`` as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tegnas.benchmarks import AccuracyTable
from tegnas.search.compare import ComparisonRow, summarise
from tegnas.search.contestant import Contestant

# What one comparison per preset found.
Found = Mapping[str, Sequence[ComparisonRow]]

PAPER = "paper"

# The table in another file stands between these lines.
BEGIN, END = "<!-- bench/searches.py -->", "<!-- end of bench/searches.py -->"


def comparison_table(found: Found, *, timed: bool = True) -> str:
    """A row per strategy and preset: rank score, true accuracy where it is known, seconds.

    Presets of a strategy stand together, with how many times less time each takes than ``paper``.

    Args:
        found: by preset, a row per strategy and seed.
        timed: with seconds.
    """
    with_accuracy = any(row.best_known is not None for rows in found.values() for row in rows)
    headings = ["strategy", "evaluations", "preset", "outranks %", "better than random"]
    if with_accuracy:
        headings += ["find, accuracy %", "best known, accuracy %"]
    if timed:
        headings.append("seconds")
    if timed and PAPER in found:
        headings.append(f"less than {PAPER}")
    lines = []
    for summaries in zip(*(summarise(rows) for rows in found.values()), strict=True):
        by_preset = dict(zip(found, summaries, strict=True))
        for preset, summary in by_preset.items():
            rows = found[preset]
            own = [row for row in rows if row.strategy == summary.strategy]
            shares = [100 * row.outranks for row in own]
            cells = [name_of(summary.strategy), f"{summary.evaluations:,.0f}", preset]
            cells += [f"{np.mean(shares):.2f} ± {np.std(shares):.2f}", _against_random(own, rows)]
            if with_accuracy:
                find = _spread(summary.accuracy, summary.accuracy_spread)
                cells.append(f"{find} ({summary.known} of {summary.runs})")
                cells.append(_spread(summary.best_known, summary.best_known_spread))
            if timed:
                cells.append(f"{summary.seconds:,.1f}")
            if timed and PAPER in found:
                ratio = by_preset[PAPER].seconds / summary.seconds
                cells.append("—" if preset == PAPER else f"{ratio:.0f}×")
            lines.append(cells)
    return markdown(headings, lines)


def describe_table(table: AccuracyTable) -> str:
    """What accuracies there are to be found, in one sentence."""
    known = [value for arch in table if (value := table.accuracy(arch)) is not None]
    return (
        f"The table knows {len(known):,} architectures: the best reaches {max(known):.2f} %, the "
        f"median {np.median(known):.2f} %.\n"
    )


def name_of(label: str) -> str:
    """``evolution:population=24`` as ``evolution (population 24)``; budgets have a column."""
    contestant = Contestant.parse(label)
    options = ", ".join(f"{name} {value}" for name, value in contestant.options.items())
    return f"{contestant.strategy} ({options})" if options else contestant.strategy


def replace_section(path: Path, text: str) -> None:
    """Put a text between the lines ``BEGIN`` and ``END`` of a file."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{path} has no lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def _spread(mean: float | None, spread: float | None) -> str:
    return "—" if mean is None else f"{mean:.2f} ± {spread:.2f}"


def _against_random(own: Sequence[ComparisonRow], runs: Sequence[ComparisonRow]) -> str:
    random = {
        (row.seed, row.evaluations): row.outranks
        for row in runs
        if Contestant.parse(row.strategy).strategy == "random"
    }
    if Contestant.parse(own[0].strategy).strategy == "random":
        return "—"
    pairs = [
        (row.outranks, random[row.seed, row.evaluations])
        for row in own
        if (row.seed, row.evaluations) in random
    ]
    wins = sum(mine > other for mine, other in pairs)
    ties = sum(mine == other for mine, other in pairs)
    return f"{wins} of {len(pairs)}" + (f", {ties} equal" if ties else "")


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text on the left and numbers on the right of it."""
    lines = [headings, ["---", *("---:" for _ in headings[1:])], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
