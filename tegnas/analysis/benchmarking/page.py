"""The comparison as Markdown: one table per task, and the mean ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tegnas.analysis.benchmarking.rows import CHOSEN_OF, BenchmarkRow
from tegnas.analysis.correlation import Estimate

HEADER = ("score", "Kendall τ", "Spearman ρ", "half", "tenth", "first", "ms")

LEGEND = (
    "*half*, *tenth*: τ among the best of them by trained quality; *first*: quality of the one "
    f"ranked first of {CHOSEN_OF}; *ms* per architecture, of a recipe's part that of the recipe; "
    "intervals are 95 %."
)


def benchmark_page(
    rows: Sequence[BenchmarkRow],
    ranks: Mapping[str, float],
    *,
    command: str,
    figure: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """A page with what was run, the mean ranks, the figure, and a table for each task.

    Args:
        rows: see ``benchmark_rows``, of all benchmarks.
        ranks: see ``mean_ranks``.
        command: that makes the page.
        figure: file name of the figure.
        notes: what the scores don't tell.
    """
    parts = ["# Every benchmark, one definition", "Made by", f"```sh\n{command}\n```"]
    if ranks:
        parts += ["## Mean rank by τ", _ranks(ranks)]
    if figure is not None:
        parts.append(f"![Kendall τ with 95 % intervals, per benchmark and task]({figure})")
    parts += [f"- {note}" for note in notes]
    parts.append(LEGEND)
    for benchmark in dict.fromkeys(row.benchmark for row in rows):
        parts.append(f"## {benchmark}")
        of_benchmark = [row for row in rows if row.benchmark == benchmark]
        for task in dict.fromkeys(row.task for row in of_benchmark):
            of_task = [row for row in of_benchmark if row.task == task]
            parts += [f"### {title(of_task)}", _table(of_task)]
    return "\n\n".join(parts) + "\n"


def title(rows: Sequence[BenchmarkRow]) -> str:
    """The task of some rows, how many architectures there are and how good the best one is."""
    whole = max(rows, key=lambda row: row.count)
    return f"{whole.task}: {whole.count:,} architectures, the best has {whole.best:.4g}"


def cells(row: BenchmarkRow) -> tuple[str, ...]:
    """The cells under ``HEADER``."""
    return (
        row.score,
        _estimate(row.tau),
        _estimate(row.rho),
        _number(row.tau_half),
        _number(row.tau_tenth),
        f"{row.chosen:.4g}",
        _milliseconds(row.milliseconds),
    )


def _table(rows: Sequence[BenchmarkRow]) -> str:
    lines = ["| " + " | ".join(HEADER) + " |", "|---" + "|--:" * (len(HEADER) - 1) + "|"]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
    return "\n".join(lines)


def _ranks(ranks: Mapping[str, float]) -> str:
    lines = ["| score | mean rank |", "|---|--:|"]
    lines += [f"| {name} | {rank:.1f} |" for name, rank in ranks.items()]
    return "\n".join(lines)


def _estimate(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "—"
    if math.isnan(estimate.low):
        return _number(estimate.value)
    # Without a space inside, a narrow terminal breaks the line before the interval.
    return f"{estimate.value:.2f} [{estimate.low:.2f},{estimate.high:.2f}]"


def _milliseconds(value: float) -> str:
    if math.isnan(value):
        return "—"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _number(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.2f}"
