"""Comparisons as rows, for CSV and JSON."""

from __future__ import annotations

import csv
import io
import math

from tegnas.analysis.comparison import Comparison
from tegnas.analysis.correlation import FEW, Estimate, sample_note

_ESTIMATES = {
    "tau": "kendall_tau",
    "rho": "spearman_rho",
    "weighted_tau": "weighted_tau",
    "precision": "precision_at_top",
}


def comparison_rows(comparison: Comparison) -> list[dict[str, object]]:
    """One flat row per stratum and score; a figure that isn't defined is None."""
    rows = []
    for stratum, correlations in comparison.strata.items():
        for each in correlations:
            row: dict[str, object] = {
                "stratum": stratum,
                "score": each.name,
                "architectures": each.count,
                "missing": each.missing,
                "infinite": each.infinite,
                "tied": each.tied,
                "milliseconds": comparison.milliseconds.get(each.name),
            }
            for attribute, name in _ESTIMATES.items():
                estimate: Estimate = getattr(each, attribute)
                row[name] = _finite(estimate.value)
                row[f"{name}_low"] = _finite(estimate.low)
                row[f"{name}_high"] = _finite(estimate.high)
            rows.append(row)
    return rows


def comparison_csv(comparison: Comparison) -> str:
    """The rows as CSV with a header."""
    rows = comparison_rows(comparison)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def comparison_markdown(comparison: Comparison, stratum: str = "all") -> str:
    """One stratum as a table in Markdown, with intervals."""
    timed = bool(comparison.milliseconds)
    header = ["score", "Kendall τ", "Spearman ρ", "weighted τ", "precision at top"]
    header += ["ms"] if timed else []
    lines = ["| " + " | ".join(header) + " |", "| --- " * len(header) + "|"]
    for each in comparison.strata[stratum]:
        estimates = [getattr(each, attribute) for attribute in _ESTIMATES]
        cells = [_estimate(each) for each in estimates]
        if timed:
            cells.append(milliseconds_text(comparison.milliseconds.get(each.name)))
        lines.append("| " + " | ".join([each.name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def comparison_page(comparison: Comparison) -> str:
    """Every stratum as a table in Markdown, under its name."""
    parts = []
    for stratum, correlations in comparison.strata.items():
        count = max(each.count for each in correlations)
        note = f", {sample_note(count)}" if count < FEW else ""
        parts.append(f"**{stratum}: {count:,} architectures{note}**\n")
        parts.append(comparison_markdown(comparison, stratum))
    return "\n".join(parts)


def _estimate(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "—"
    return f"{estimate.value:.2f}{interval_text(estimate)}"


def interval_text(estimate: Estimate) -> str:
    """The interval behind a value; nothing where there is none."""
    if math.isnan(estimate.low):
        return ""
    return f" [{estimate.low:.2f}, {estimate.high:.2f}]"


def milliseconds_text(value: float | None) -> str:
    """Time per architecture as tables show it."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
