"""How results look in a terminal."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from tegnas.benchmarks import AccuracyTable
from tegnas.cli.architecture_text import ArchitectureText
from tegnas.cli.scoring_options import used
from tegnas.indicators.base import EXTRA, Indicator
from tegnas.scoring import Scores, ScoreSettings
from tegnas.search import Evaluation, ParetoFront, SearchResult
from tegnas.search.compare import StrategySummary
from tegnas.spaces.loading import is_reference

_SHOWN = 5


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 architecture``, ``1,000 architectures``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def indicator_table(title: str, indicators: Sequence[Indicator]) -> Table:
    """Columns for an architecture and its indicators."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("architecture")
    for each in indicators:
        role = "" if each.role == EXTRA else f"{each.role}, "
        table.add_column(f"{each.symbol} ({role}{each.better})", justify="right")
    return table


def indicator_cells(evaluation: Evaluation) -> list[str]:
    """The values of an evaluation as the columns of ``indicator_table`` show them."""
    return [
        each.text(value)
        for each, value in zip(evaluation.settings.indicators, evaluation.values, strict=True)
    ]


def print_search(result: SearchResult, directory: Path, accuracies: AccuracyTable | None) -> None:
    """The best architectures, where the run is and what to do next."""
    console = Console()
    settings = result.best.settings
    ranked = result.ranked()
    table = indicator_table(
        f"Best of {counted(len(ranked), 'architecture')} in {result.seconds:.0f} s, by "
        f"{settings.combination}",
        settings.indicators,
    )
    if accuracies is not None:
        table.add_column("accuracy %", justify="right")
    for position, each in enumerate(ranked[:_SHOWN], start=1):
        cells: list[RenderableType] = [
            str(position),
            ArchitectureText(str(each.arch)),
            *indicator_cells(each),
        ]
        if accuracies is not None:
            accuracy = accuracies.accuracy(str(each.arch))
            cells.append("not in the table" if accuracy is None else f"{accuracy:.2f}")
        table.add_row(*cells)
    console.print(table)
    print_used(console, settings, result.warnings)
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
    if is_reference(result.space):  # which no command loads unless it is named
        run += f" --space {shlex.quote(result.space)}"
    console.print(
        f"Next: tegnas report {run} -o report.html draws the search, tegnas export {run} "
        f"-o network.py and tegnas train {run} take the best away; another --seed shows how much "
        "of the result is chance",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def print_used(console: Console, settings: ScoreSettings, warnings: Sequence[str]) -> None:
    """How scores were made, and what they don't tell."""
    console.print(used(settings), highlight=False, markup=False)
    for each in warnings:
        console.print(f"Note: {each}", highlight=False, markup=False)


def print_front(console: Console, front: ParetoFront) -> None:
    """The trades between rank score and a cost, cheapest first."""
    unit = {"params": "parameters", "flops": "FLOPs", "latency": "ms"}[front.objective]
    table = indicator_table(
        f"Front of rank score and {unit}, hypervolume {front.hypervolume:.3f} of 1",
        front.points[0].evaluation.settings.indicators,
    )
    table.add_column("rank score", justify="right")
    table.add_column(unit, justify="right")
    for position, point in enumerate(front.points, start=1):
        table.add_row(
            str(position),
            ArchitectureText(str(point.evaluation.arch)),
            *indicator_cells(point.evaluation),
            f"{point.rank_score:,.4g}",
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
        "outranks: share of all architectures scored in any run that have a worse rank score"
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
    """Architectures with average and spread of their indicators, and their ranking."""
    settings = scores.settings
    title = f"{counted(len(scores), 'architecture')}, {settings.average} ± spread over networks"
    table = indicator_table(title, settings.indicators)
    table.add_column("position", justify="right")
    for index, (arch, position) in enumerate(
        zip(scores.archs, scores.ranking().tolist(), strict=True)
    ):
        cells = [
            _with_spread(each, scores[each.name][index].item(), scores.networks[each.name][index])
            for each in settings.indicators
        ]
        table.add_row(str(index + 1), ArchitectureText(str(arch)), *cells, str(position + 1))
    console = Console()
    console.print(table)
    print_used(console, settings, scores.warnings)


def _with_spread(indicator: Indicator, value: float, networks: Tensor) -> str:
    finite = networks[networks.isfinite()]
    if not math.isfinite(value) or len(networks) < 2:
        return indicator.text(value)
    return f"{indicator.text(value)} ± {indicator.text(finite.std(correction=0).item(), 2)}"
