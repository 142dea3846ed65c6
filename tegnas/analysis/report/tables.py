"""The parts of a report that are text: tables, cells, settings."""

from __future__ import annotations

import base64
import io
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from tegnas.analysis.architecture_parts import architecture_parts
from tegnas.analysis.figures.cell import cell_figure
from tegnas.analysis.ruggedness import Ruggedness
from tegnas.analysis.runs import Run
from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation, distinct_architectures, rank_sums

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
    header = ["search", "best architecture", "κ", "R", "MSE"]
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
    distinct = distinct_architectures(run.result.history)
    order = np.argsort(rank_sums(distinct), kind="stable")[:_BEST]
    best = [distinct[index] for index in order]
    header = ["", "architecture", "κ", "R", "MSE"] + (["accuracy, %"] if accuracies else [])
    rows = [
        [str(place), *_values(each)] + ([_accuracy(each, accuracies)] if accuracies else [])
        for place, each in enumerate(best, start=1)
    ]
    return html_table(header, rows, text=2) + _cells(best[:_DRAWN])


def cost_front(run: Run) -> str:
    """The front of rank-sum and a cost, where the search was asked for one."""
    front = run.result.pareto
    if front is None:
        return ""
    unit = {"latency": "latency, ms"}.get(front.objective, front.objective)
    header = ["architecture", unit, "rank-sum", "κ", "R", "MSE"]
    rows = []
    for point in front.points:
        name, *values = _values(point.evaluation)
        rows.append([name, _number(point.cost), f"{point.rank_sum:,.1f}", *values])
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
    """The command of a run, and everything that was set."""
    settings = run.result.settings
    score = settings.get("score", {})
    words = ["tegnas", "search"]
    for option, value in (
        ("--space", settings.get("space")),
        ("--images", settings.get("images")),
        ("--strategy", settings.get("strategy")),
        ("--budget", settings.get("budget")),
        ("--seed", settings.get("seed")),
        ("--train", settings.get("train")),
        ("--val", settings.get("val")),
        ("--batch-norm", score.get("batch_norm") if isinstance(score, dict) else None),
        ("--repeats", score.get("repeats") if isinstance(score, dict) else None),
    ):
        if value is not None:
            words += [option, str(value)]
    options = settings.get("options", {})
    for name, value in options.items() if isinstance(options, dict) else ():
        words += ["--option", f"{name}={value}"]
    command, details = escape(shlex.join(words)), escape(json.dumps(settings, indent=1))
    return (
        f"<h3>{escape(run.label)}</h3><pre>{command}</pre>"
        f"<details><summary>All settings</summary><pre>{details}</pre></details>"
    )


def _cells(best: Sequence[Evaluation]) -> str:
    figures = []
    for place, each in enumerate(best, start=1):
        try:
            drawn = cell_figure(each.arch)
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
    return [str(each.arch), _number(each.kappa), f"{each.regions:,.0f}", _number(each.mse)]


def _accuracy(each: Evaluation, accuracies: Mapping[str, float]) -> str:
    value = accuracies.get(str(each.arch))
    return "unknown" if value is None else f"{value:.2f}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "—"
    return f"{value:,.4g}" if abs(value) < 1e5 else f"{value:.3g}"
