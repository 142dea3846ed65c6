"""The comparisons of ``bench/searches.py`` as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tegnas.benchmarks import AccuracyTable
from tegnas.search.compare import ComparisonRow, StrategySummary, summarise
from tegnas.search.contestant import Contestant

# What one comparison per preset found.
Found = Mapping[str, Sequence[ComparisonRow]]

# The table in another file stands between these lines.
BEGIN, END = "<!-- bench/searches.py -->", "<!-- end of bench/searches.py -->"


def found_table(found: Found) -> str:
    """True accuracy and seconds of each strategy, presets side by side, and the time saved."""
    headings = ["strategy", "evaluations"]
    for preset in found:
        headings += [f"find %, {preset}", f"best known %, {preset}", f"seconds, {preset}"]
    if len(found) > 1:
        headings.append("time saved")
    rows = []
    for summaries in _by_strategy(found):
        first, last = summaries[0], summaries[-1]
        cells = [name_of(first.strategy), f"{first.evaluations:,.0f}"]
        for each in summaries:
            find = _spread(each.accuracy, each.accuracy_spread)
            cells += [
                f"{find} ({each.known} of {each.runs})",
                _spread(each.best_known, each.best_known_spread),
                f"{each.seconds:,.1f}",
            ]
        if len(found) > 1:
            cells.append(f"{last.seconds / first.seconds:.0f}×")
        rows.append(cells)
    return _markdown(headings, rows)


def rank_table(found: Found) -> str:
    """The share of all scored architectures that a find outranks, and how often random is beaten.

    A random search of as many evaluations, if there is one, is the opponent seed by seed.
    """
    headings = ["strategy", "evaluations"]
    for preset in found:
        headings += [f"outranks %, {preset}", f"better than random, {preset}", f"seconds, {preset}"]
    rows = []
    for summaries in _by_strategy(found):
        cells = [name_of(summaries[0].strategy), f"{summaries[0].evaluations:,.0f}"]
        for summary, runs in zip(summaries, found.values(), strict=True):
            own = [row for row in runs if row.strategy == summary.strategy]
            shares = [100 * row.outranks for row in own]
            cells.append(f"{np.mean(shares):.2f} ± {np.std(shares):.2f}")
            cells += [_against_random(own, runs), f"{summary.seconds:,.1f}"]
        rows.append(cells)
    return _markdown(headings, rows)


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


def _by_strategy(found: Found) -> list[tuple[StrategySummary, ...]]:
    return list(zip(*(summarise(rows) for rows in found.values()), strict=True))


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


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *("---:" for _ in headings[1:])], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
