"""How results look in a terminal."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

import torch
from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from tegnas.benchmarks import AccuracyTable
from tegnas.cli.architecture_text import Written
from tegnas.cli.scoring_options import used
from tegnas.cli.terminal import output
from tegnas.indicators.base import EXTRA, Indicator
from tegnas.scoring import Scores, ScoreSettings
from tegnas.search import Evaluation, ParetoFront, SearchResult
from tegnas.search.compare import StrategySummary
from tegnas.search.run_directory import saved_evaluations
from tegnas.spaces.factorised import Supernet
from tegnas.spaces.loading import is_reference

_SHOWN = 5
_ON_A_CPU = "Full networks take a GPU to train; tegnas train --help shows smaller ones for a CPU."


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 architecture``, ``1,000 architectures``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def indicator_table(title: str, indicators: Sequence[Indicator]) -> Table:
    """Columns for an architecture and its indicators."""
    table = plain_table(title)
    table.collapse_padding = True  # four indicators with their spread fit into 80 columns
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("architecture")
    for each in indicators:
        table.add_column(indicator_heading(each), justify="right", overflow="fold")
    return table


def indicator_heading(indicator: Indicator) -> str:
    """Of a column: the symbol, and below it the role and which side is better."""
    role = "" if indicator.role == EXTRA else f"{indicator.role}, "
    return f"{indicator.symbol}\n({role}{indicator.better})"


def plain_table(title: str) -> Table:
    """An empty table as all commands show them."""
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def indicator_cells(evaluation: Evaluation) -> list[str]:
    """The values of an evaluation as the columns of ``indicator_table`` show them."""
    return [
        each.text(value)
        for each, value in zip(evaluation.settings.indicators, evaluation.values, strict=True)
    ]


def print_best(
    console: Console,
    result: SearchResult,
    written: Written,
    accuracies: AccuracyTable | None = None,
    count: int = _SHOWN,
) -> None:
    """The best architectures of a search, how they were scored and what that doesn't tell."""
    settings = result.best.settings
    ranked = result.ranked()
    table = indicator_table(
        f"Best of {counted(len(ranked), 'architecture')} in {result.seconds:.0f} s, by "
        f"{settings.combination}",
        settings.indicators,
    )
    if accuracies is not None:
        table.add_column("accuracy %", justify="right")
    for position, each in enumerate(ranked[:count], start=1):
        cells: list[RenderableType] = [
            str(position),
            written(each.arch),
            *indicator_cells(each),
        ]
        if accuracies is not None:
            accuracy = accuracies.accuracy(str(each.arch))
            cells.append("not in the table" if accuracy is None else f"{accuracy:.2f}")
        table.add_row(*cells)
    console.print(table)
    supernets = sum(isinstance(each.arch, Supernet) for each in result.history)
    if supernets:
        console.print(
            f"{supernets:,} of {counted(len(result.history), 'evaluation')} were of supernets on "
            "the way, which are no architectures yet",
            highlight=False,
        )
    if len(ranked) < len(result.history) - supernets:
        console.print(
            f"{len(result.history) - supernets:,} evaluations were of "
            f"{counted(len(ranked), 'architecture')}: one that the strategy asks for again counts "
            "again, and costs nothing",
            highlight=False,
        )
    print_used(console, settings, result.warnings)
    if result.raced:
        console.print(f"{result.raced}.", highlight=False)
    if result.recommended is not None:
        console.print("The strategy's own answer:", written(result.recommended.arch))
    if result.pareto is not None:
        print_front(console, result.pareto, written)


def print_search(
    result: SearchResult,
    directory: Path,
    written: Written,
    accuracies: AccuracyTable | None,
    *,
    are_images: bool,
) -> None:
    """The best architectures, where the run is and what to do next; networks train on images."""
    console = output()
    print_best(console, result, written, accuracies)
    kept = saved_evaluations(directory)
    if kept is not None and kept > len(result.history):
        console.print(
            f"Not saved: [bold]{escape(str(directory))}[/bold] keeps the result of a longer run, "
            f"{kept:,} evaluations, which the commands below take",
            highlight=False,
        )
    else:
        console.print(
            f"Saved in [bold]{escape(str(directory))}[/bold]: run.json, scores.sqlite, result.json"
        )
    run = for_command(directory, result.space)
    # There is nothing to learn from noise.
    trained = f"{run} --images SOURCE" if result.settings.get("images") == "noise" else run
    lines = (
        f"Next: tegnas report {run} -o report.html",
        *([f"      tegnas refine {trained} --trainings 10"] if are_images else []),
        f"      tegnas export {run} -o network.py",
        *([f"      tegnas train {trained}"] if are_images else []),
        *([_ON_A_CPU] if are_images and not torch.cuda.is_available() else []),
        "Another --seed shows how much of the result is chance.",
    )
    console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)


def for_command(directory: Path, space: str) -> str:
    """A run directory as an argument, with its space where that is one from a file.

    No command loads such a space unless it is named.
    """
    named = f" --space {shlex.quote(space)}" if is_reference(space) else ""
    return shlex.quote(str(directory)) + named


def print_used(console: Console, settings: ScoreSettings, warnings: Sequence[str]) -> None:
    """How scores were made, and what they don't tell."""
    console.print(used(settings), highlight=False, markup=False)
    for each in warnings:
        console.print(f"Note: {each}", highlight=False, markup=False)


def print_front(console: Console, front: ParetoFront, written: Written) -> None:
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
            written(point.evaluation.arch),
            *indicator_cells(point.evaluation),
            f"{point.rank_score:,.4g}",
            f"{point.cost:,.3g}" if front.objective == "latency" else f"{point.cost:,.0f}",
        )
    console.print(table)


def print_comparison(
    console: Console,
    summaries: Sequence[StrategySummary],
    directory: Path,
    settings: ScoreSettings,
) -> None:
    """One line per strategy, means over its seeds."""
    several = any(each.runs > 1 for each in summaries)
    table = plain_table("Means over the seeds, ± their spread" if several else "One seed each")
    headings = ["strategy", "runs", "outranks %", "evaluations", "seconds"]
    known = any(each.best_known is not None for each in summaries)
    if known:
        headings += ["accuracy %", "best known %"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "strategy" else "right")
    for each in summaries:
        accuracies = []
        if known:
            accuracies = [
                f"{_spread(each.accuracy, each.accuracy_spread, each.known)} "
                f"({each.known} of {each.runs})",
                _spread(each.best_known, each.best_known_spread, each.runs),
            ]
        table.add_row(
            each.strategy.replace(":", " "),  # lines break at spaces
            str(each.runs),
            _spread(100 * each.outranks, 100 * each.outranks_spread, each.runs),
            f"{each.evaluations:,.0f}",
            _spread(each.seconds, each.seconds_spread, each.runs, 1),
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
    console.print(used(settings), highlight=False, markup=False)
    console.print(
        f"Saved in [bold]{escape(str(directory))}[/bold]: comparison.csv, comparison.json, one "
        "directory per run"
    )
    console.print(
        f"Next: tegnas report {shlex.quote(str(directory))} -o report.html",
        soft_wrap=True, highlight=False, markup=False,
    )  # fmt: skip


def _spread(mean: float | None, spread: float | None, count: int, digits: int = 2) -> str:
    if mean is None:
        return "—"
    return f"{mean:,.{digits}f}" + (f" ± {spread:,.{digits}f}" if count > 1 else "")


def print_scores(scores: Scores, written: Written) -> None:
    """Architectures with average and spread of their indicators, and their ranking."""
    settings = scores.settings
    several = settings.repeats > 1
    made = f"{settings.average} ± spread over networks" if several else "one network each"
    table = indicator_table(f"{counted(len(scores), 'architecture')}, {made}", settings.indicators)
    table.add_column("rank", justify="right")
    if scores.computed is not None:
        table.add_column("networks", justify="right")
    for index, (arch, position) in enumerate(
        zip(scores.archs, scores.ranking().tolist(), strict=True)
    ):
        cells = [
            _with_spread(each, scores[each.name][index].item(), scores.networks[each.name][index])
            for each in settings.indicators
        ]
        networks = [] if scores.computed is None else [str(scores.counts[index])]
        table.add_row(str(index + 1), written(arch), *cells, str(position + 1), *networks)
    console = output()
    console.print(table)
    print_used(console, settings, scores.warnings)
    if scores.raced:
        console.print(f"{scores.raced}.", highlight=False)


def _with_spread(indicator: Indicator, value: float, networks: Tensor) -> str:
    finite = networks[networks.isfinite()]
    if not math.isfinite(value) or len(networks) < 2:
        return indicator.text(value)
    # Without a space behind the sign, a narrow terminal breaks the line before it.
    return f"{indicator.text(value)} ±{indicator.text(finite.std(correction=0).item(), 2)}"
