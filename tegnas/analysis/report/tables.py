"""The parts of a report that are text: tables, cells, settings."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from html import escape

from tegnas.analysis.architecture_parts import architecture_parts
from tegnas.analysis.figures.cell import cell_figure
from tegnas.analysis.ruggedness import Ruggedness
from tegnas.analysis.runs import Run
from tegnas.errors import InputError
from tegnas.search.command import search_command
from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Space

_BEST = 10
_DRAWN = 3
_CAPTION = 120


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], text: int = 1) -> str:
    """A table whose first ``text`` columns are text and the rest numbers; cells are escaped."""
    kind = [' class="text"' if column < text else "" for column in range(len(header))]
    head = "".join(f"<th{k}>{escape(cell)}</th>" for k, cell in zip(kind, header, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{k}>{_breakable(cell)}</td>" for k, cell in zip(kind, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _breakable(text: str) -> str:
    return "<wbr>".join(map(escape, architecture_parts(text)))


def summary(runs: Sequence[Run], accuracies: Mapping[str, float]) -> str:
    """One row per run: what it found, how long it took."""
    header = ["search", "best architecture", *_headings(runs[0])]
    if accuracies:
        header.append("accuracy, %")
    header += ["evaluations", "distinct", "seconds", "evaluations/s"]
    rows = []
    for run in runs:
        result = run.result
        distinct = len({each.arch for each in result.history})
        rate = len(result.history) / result.seconds if result.seconds > 0 else math.inf
        row = [run.label, *_values(result.best)]
        if accuracies:
            row.append(_accuracy(result.best, accuracies))
        row += [f"{len(result.history):,}", f"{distinct:,}", f"{result.seconds:.1f}"]
        rows.append([*row, f"{rate:,.0f}"])
    return html_table(header, rows, text=2)


def best_architectures(run: Run, accuracies: Mapping[str, float]) -> str:
    """The best of one run as a table, the first of them as drawn cells."""
    best = run.result.ranked()[:_BEST]
    header = ["", "architecture", *_headings(run)] + (["accuracy, %"] if accuracies else [])
    rows = [
        [str(place), *_values(each)] + ([_accuracy(each, accuracies)] if accuracies else [])
        for place, each in enumerate(best, start=1)
    ]
    return html_table(header, rows, text=2) + _cells(run.scores.space, best[:_DRAWN])


def cost_front(run: Run) -> str:
    """The front of rank score and a cost, where the search was asked for one."""
    front = run.result.pareto
    if front is None:
        return ""
    unit = {"latency": "latency, ms"}.get(front.objective, front.objective)
    header = ["architecture", unit, "rank score", *_headings(run)]
    rows = []
    for point in front.points:
        name, *values = _values(point.evaluation)
        rows.append([name, _number(point.cost), f"{point.rank_score:,.1f}", *values])
    return f"<h3>{escape(run.label)}</h3>" + html_table(header, rows)


def ruggedness_table(figures: Sequence[Ruggedness], agreements: Mapping[str, float]) -> str:
    """What ``tegnas plot`` prints of a whole space."""
    header = [
        "quantity",
        "architectures",
        "local optima",
        "basin of the best, %",
        "autocorrelation",
        "correlation length",
        "distance correlation",
    ]
    rows = [
        [
            each.name,
            f"{each.count:,}",
            f"{each.optima:,}",
            f"{100 * each.basin:.0f}",
            _number(each.autocorrelation),
            _number(each.correlation_length),
            _number(each.distance_correlation),
        ]
        for each in figures
    ]
    pairs = ", ".join(f"{name} {_number(value)}" for name, value in agreements.items())
    return html_table(header, rows) + f"<p>Agreement (Kendall τ): {escape(pairs)}</p>"


def reproduction(run: Run) -> str:
    """The command that makes the run again, and everything that was set."""
    command = escape(search_command(run.result))
    details = escape(json.dumps(run.result.settings, indent=1))
    return (
        f"<h3>{escape(run.label)}</h3><pre>{command}</pre>"
        f"<details><summary>All settings</summary><pre>{details}</pre></details>"
    )


def _cells(space: Space, best: Sequence[Evaluation]) -> str:
    figures = []
    for place, each in enumerate(best, start=1):
        try:
            drawn = cell_figure(space, each.arch)
        except InputError:
            return ""  # a space without cells: the table stands alone
        text = io.StringIO()
        drawn.savefig(text, format="svg", bbox_inches="tight")
        data = base64.b64encode(text.getvalue().encode()).decode()
        # A long text, as DARTS has, stands in the table only.
        text_of = str(each.arch) if len(str(each.arch)) <= _CAPTION else ""
        caption = _breakable(f"{place}. {text_of}".strip())
        figures.append(
            f'<figure><img alt="cell of architecture {place}" '
            f'src="data:image/svg+xml;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return f'<div class="cells">{"".join(figures)}</div>'


def _values(each: Evaluation) -> list[str]:
    indicators = each.settings.indicators
    values = [i.text(value) for i, value in zip(indicators, each.values, strict=True)]
    return [str(each.arch), *values]


def _headings(run: Run) -> list[str]:
    return [each.symbol for each in run.result.best.settings.indicators]


def indicator_table(run: Run) -> str:
    """What each indicator is, which direction is better, and where it comes from."""
    rows = [
        [each.label, each.title, f"{each.better} is better", each.citation or "—"]
        for each in run.result.best.settings.indicators
    ]
    return html_table(["indicator", "what it is", "", "source"], rows, text=4)


def _accuracy(each: Evaluation, accuracies: Mapping[str, float]) -> str:
    value = accuracies.get(str(each.arch))
    return "unknown" if value is None else f"{value:.2f}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "—"
    return f"{value:,.4g}" if abs(value) < 1e5 else f"{value:.3g}"
