"""How a comparison of scores looks in a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rich.table import Table

from tegnas.analysis.comparison import Comparison
from tegnas.analysis.comparison_rows import milliseconds_text
from tegnas.analysis.correlation import Correlation, Estimate, sample_note
from tegnas.cli.tables import plain_table
from tegnas.cli.terminal import output


def print_comparison(comparison: Comparison, title: str = "") -> None:
    """One table per stratum."""
    console = output()
    if title:
        console.print(title)
    for stratum, correlations in comparison.strata.items():
        console.print(_table(stratum, correlations, comparison.milliseconds))
    if comparison.unknown:
        console.print(
            f"{comparison.unknown:,} scored architectures are left out: the accuracy table doesn't "
            "hold them"
        )


def _table(
    stratum: str, correlations: tuple[Correlation, ...], milliseconds: Mapping[str, float]
) -> Table:
    count = max(each.count for each in correlations)
    table = plain_table(f"{stratum}: {count:,} architectures, {sample_note(count)}")
    table.add_column("score", no_wrap=True)
    for heading in ("Kendall τ", "Spearman ρ", "weighted τ", "precision at top"):
        table.add_column(heading, justify="right")
    if milliseconds:
        table.add_column("ms", justify="right")
    noted = [name for name in ("missing", "infinite", "tied") if any(_notes(correlations, name))]
    for name in noted:
        table.add_column(name, justify="right")
    for each in correlations:
        estimates = (each.tau, each.rho, each.weighted_tau, each.precision)
        cost = [milliseconds_text(milliseconds.get(each.name))] if milliseconds else []
        counts = (str(getattr(each, name)) for name in noted)
        table.add_row(each.name, *map(_estimate, estimates), *cost, *counts)
    return table


def _notes(correlations: tuple[Correlation, ...], name: str) -> list[int]:
    return [getattr(each, name) for each in correlations]


def _estimate(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "—"
    if math.isnan(estimate.low):
        return f"{estimate.value:.2f}"
    # Without a space inside, a narrow terminal breaks the line before the interval.
    return f"{estimate.value:.2f} [{estimate.low:.2f},{estimate.high:.2f}]"
