"""``tegnas benchmark``."""

from __future__ import annotations

import json
import math
import re
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from tegnas.analysis.benchmarking import (
    BenchmarkRow,
    benchmark_figure,
    benchmark_page,
    benchmark_rows,
    contestants,
    drawn,
    mean_ranks,
    score_benchmark,
)
from tegnas.analysis.benchmarking.page import HEADER, LEGEND, cells, title
from tegnas.analysis.figures.style import save
from tegnas.benchmarks import load_benchmark
from tegnas.cli import options
from tegnas.cli.progress import search_progress
from tegnas.cli.scoring_options import ScoringOptions, used, with_scoring
from tegnas.cli.terminal import output
from tegnas.files import write_atomically
from tegnas.ops import compute_device
from tegnas.scoring.presets import describe
from tegnas.search import Progress
from tegnas.search.run_directory import SCORES, make_directory


@with_scoring
def benchmark(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE.csv",
            help="Tables of public benchmarks; which ones they are, their columns tell.",
        ),
    ],
    *,
    also: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME,…",
            help="Presets and indicators to compare with; best+flops: both in one order; "
            "best+pattern_rank=1: by another weight; all: every indicator that no recipe has.",
        ),
    ] = "parameters,flops",
    count: Annotated[
        int, typer.Option(help="Architectures per table, one per class; 0: all of them.")
    ] = 300,
    seed: options.Seed = 0,
    scoring: ScoringOptions,
    out: Annotated[
        Path, typer.Option(help="Directory of scores and results; goes on where it stopped.")
    ] = Path("runs/benchmark"),
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE.md", help="Also write a page, with a figure beside it."),
    ] = None,
    resamples: Annotated[int, typer.Option(help="Of the bootstrap.")] = 1000,
    times: Annotated[
        bool, typer.Option(help="Milliseconds per score; none where other work ran beside.")
    ] = True,
    as_json: options.Json = False,
) -> None:
    """Compare scores with trained accuracy over the tables of public benchmarks.

    Per table and task: Kendall τ and Spearman ρ with 95 % intervals, τ among the best half and
    tenth, the quality of the architecture ranked first of 300, and what a score costs; over all of
    them the mean rank.
    """
    settings = scoring.settings(seed)
    others = [each.strip() for each in also.split(",") if each.strip()]
    compared = contestants(settings, describe(settings).removeprefix("preset "), others)
    benchmarks = [load_benchmark(table) for table in tables]
    chosen = [drawn(each, count or None, seed) for each in benchmarks]
    batch = scoring.batch(settings).to(compute_device(scoring.device))
    make_directory(out)
    rows: list[BenchmarkRow] = []
    notes: list[str] = []
    with search_progress(as_json) as view:
        for each, members in zip(benchmarks, chosen, strict=True):

            def show(name: str, done: int, of: int, table: str = each.name) -> None:
                view.show(f"{table}, {name}", Progress(done, of, done))

            scored = score_benchmark(each, members, batch, compared, out / SCORES, show)
            rows += benchmark_rows(scored, resamples=resamples, seed=seed)
            notes += [f"{each.name}, {name}: {note}" for name, note in scored.notes.items()]
    if not times:
        rows = [replace(row, milliseconds=math.nan) for row in rows]
    ranks = mean_ranks(rows)
    result = {
        "settings": {each.name: each.settings.to_json() for each in compared},
        "images": batch.source,
        "tables": {each.name: each.source for each in benchmarks},
        "rows": [_defined(asdict(row)) for row in rows],
        "mean_rank": ranks,
        "notes": notes,
    }
    text = json.dumps(result, ensure_ascii=False, indent=1)
    write_atomically(out / "benchmark.json", text + "\n")
    if page is not None:
        figure = save(benchmark_figure(rows), page.with_suffix(".png"))
        command = shlex.join(["tegnas", *sys.argv[1:]])
        content = benchmark_page(rows, ranks, command=command, figure=figure.name, notes=notes)
        write_atomically(page, content)
    if as_json:
        print(text)
    else:
        _print(rows, ranks, notes)
        print(f"{used(settings)}\nWritten to {out / 'benchmark.json'}")


def _print(rows: list[BenchmarkRow], ranks: dict[str, float], notes: list[str]) -> None:
    console = output()
    for benchmark, task in dict.fromkeys((row.benchmark, row.task) for row in rows):
        of_task = [row for row in rows if (row.benchmark, row.task) == (benchmark, task)]
        table = Table(
            title=f"{benchmark}, {title(of_task)}",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for name in HEADER:
            left = name == HEADER[0]
            table.add_column(name, justify="left" if left else "right", no_wrap=not left)
        for row in of_task:
            # Without the zero before the point the intervals fit into 80 columns.
            name, *figures = cells(row)
            table.add_row(name, *(re.sub(r"\b0\.", ".", figure) for figure in figures))
        console.print(table)
    console.print(LEGEND.replace("*", ""))
    if len({row.benchmark for row in rows}) > 1:
        table = Table(title="mean rank by τ, each benchmark one vote", title_justify="left")
        table.add_column("score")
        table.add_column("rank", justify="right")
        for name, rank in ranks.items():
            table.add_row(name, f"{rank:.1f}")
        console.print(table)
    for note in notes:
        console.print(f"note: {note}")


def _defined(value: object) -> object:
    """What isn't defined (NaN) as None, for JSON."""
    if isinstance(value, dict):
        return {name: _defined(each) for name, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
