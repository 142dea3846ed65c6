"""How results look in a terminal."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from tegnas.benchmarks import AccuracyTable
from tegnas.cli.architecture_text import ArchitectureText
from tegnas.scoring import Scores
from tegnas.search import ParetoFront, SearchResult
from tegnas.search.compare import StrategySummary
from tegnas.search.evaluation import distinct_architectures, rank_sums

_SHOWN = 5


def number(value: float, digits: int = 4) -> str:
    """A finite number with a few significant digits, or inf."""
    return f"{value:,.{digits}g}" if math.isfinite(value) and abs(value) < 1e5 else f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 architecture``, ``1,000 architectures``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def indicator_table(title: str, parameters: bool = False) -> Table:
    """Columns for an architecture, its three indicators and, where they count, its parameters."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("architecture")
    table.add_column("κ (T, lower)", justify="right")
    table.add_column("R (E, higher)", justify="right")
    table.add_column("MSE (G, lower)", justify="right")
    if parameters:
        table.add_column("parameters (higher)", justify="right")
    return table


def print_search(result: SearchResult, directory: Path, accuracies: AccuracyTable | None) -> None:
    """The best architectures, where the run is and what to do next."""
    console = Console()
    distinct = distinct_architectures(result.history)
    order = np.argsort(rank_sums(distinct), kind="stable")[:_SHOWN]
    table = indicator_table(
        f"Best of {counted(len(distinct), 'architecture')} in {result.seconds:.0f} s, by "
        f"{result.best.combination}",
        result.best.parameters is not None,
    )
    if accuracies is not None:
        table.add_column("accuracy %", justify="right")
    for position, index in enumerate(order, start=1):
        each = distinct[index]
        cells: list[RenderableType] = [
            str(position),
            ArchitectureText(str(each.arch)),
            number(each.kappa),
            f"{each.regions:,.0f}",
            number(each.mse),
        ]
        if result.best.parameters is not None:
            cells.append("" if each.parameters is None else f"{each.parameters:,.0f}")
        if accuracies is not None:
            accuracy = accuracies.accuracy(str(each.arch))
            cells.append("not in the table" if accuracy is None else f"{accuracy:.2f}")
        table.add_row(*cells)
    console.print(table)
    if result.recommended is not None:
        console.print(
            f"The strategy's own answer: {result.recommended.arch}", highlight=False, markup=False
        )
    if result.pareto is not None:
        print_front(console, result.pareto)
    console.print(
        f"Saved in [bold]{escape(str(directory))}[/bold]: run.json, scores.sqlite, result.json"
    )
    run = shlex.quote(str(directory))
    console.print(
        f"Next: tegnas report {run} -o report.html draws the search, tegnas export {run} "
        f"-o network.py and tegnas train {run} take the best away; another --seed shows how much "
        "of the result is chance",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def print_front(console: Console, front: ParetoFront) -> None:
    """The trades between rank-sum and a cost, cheapest first."""
    unit = {"params": "parameters", "flops": "FLOPs", "latency": "ms"}[front.objective]
    table = indicator_table(
        f"Front of rank-sum and {unit}, hypervolume {front.hypervolume:.3f} of 1"
    )
    table.add_column("rank-sum", justify="right")
    table.add_column(unit, justify="right")
    for position, point in enumerate(front.points, start=1):
        each = point.evaluation
        table.add_row(
            str(position),
            ArchitectureText(str(each.arch)),
            number(each.kappa),
            f"{each.regions:,.0f}",
            number(each.mse),
            f"{point.rank_sum:,.0f}",
            f"{point.cost:,.6g}",
        )
    console.print(table)


def print_comparison(
    console: Console, summaries: Sequence[StrategySummary], directory: Path
) -> None:
    """One line per strategy, means over its seeds."""
    table = Table(title="Means over the seeds", title_justify="left")
    headings = ["strategy", "runs", "outranks", "evaluations", "seconds"]
    known = any(each.best_known is not None for each in summaries)
    if known:
        headings += ["accuracy %", "best known %"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "strategy" else "right")
    for each in summaries:
        accuracies = []
        if known:
            accuracies = [
                f"{_spread(each.accuracy, each.accuracy_spread)} ({each.known} of {each.runs})",
                _spread(each.best_known, each.best_known_spread),
            ]
        table.add_row(
            each.strategy.replace(":", " "),  # lines break at spaces
            str(each.runs),
            f"{100 * each.outranks:.2f} %",
            f"{each.evaluations:,.0f}",
            f"{each.seconds:,.1f}",
            *accuracies,
        )
    console.print(table)
    console.print(
        "outranks: share of all architectures scored in any run that have a higher rank-sum"
    )
    if known:
        console.print(
            "accuracy: of the finds that the table knows, and how many; best known: of the "
            "best-ranked architecture of each run that it knows"
        )
    console.print(
        f"Saved in [bold]{escape(str(directory))}[/bold]: comparison.csv, comparison.json, one "
        "directory per run"
    )


def _spread(mean: float | None, spread: float | None) -> str:
    return "—" if mean is None else f"{mean:.2f} ± {spread:.2f}"


def print_scores(scores: Scores) -> None:
    """Architectures with mean and spread of their indicators, and their ranking."""
    parameters = None if scores.parameters is None else scores.parameters.tolist()
    title = f"{counted(len(scores), 'architecture')}, {scores.average} ± spread over the repeats"
    table = indicator_table(title, parameters is not None)
    table.add_column("position", justify="right")
    spreads = [
        repeats.std(1, correction=0).tolist()
        for repeats in (scores.kappa_repeats, scores.regions_repeats, scores.mse_repeats)
    ]
    means = (scores.kappa.tolist(), scores.regions.tolist(), scores.mse.tolist())
    for index, (arch, position) in enumerate(
        zip(scores.archs, scores.ranking().tolist(), strict=True)
    ):
        cells = [
            f"{number(mean[index])} ± {number(spread[index], 2)}"
            if math.isfinite(mean[index])
            else "inf"
            for mean, spread in zip(means, spreads, strict=True)
        ]
        if parameters is not None:
            cells.append(f"{parameters[index]:,.0f}")
        table.add_row(str(index + 1), ArchitectureText(str(arch)), *cells, str(position + 1))
    Console().print(table)
