"""``tegnas search``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tegnas import benchmarks
from tegnas.cli import options
from tegnas.cli.tables import print_search
from tegnas.search import DEFAULT_BUDGET
from tegnas.search import Progress as SearchProgress
from tegnas.search import search as run_search
from tegnas.spaces import get_space


def search(
    space: options.Space = "nas-bench-201",
    images: options.Images = "digits",
    strategy: Annotated[
        str, typer.Option(metavar="NAME", help="random, exhaustive or evolution.")
    ] = "evolution",
    budget: Annotated[
        int | None,
        typer.Option(
            help=f"Evaluations; default {DEFAULT_BUDGET}, or the whole space for exhaustive."
        ),
    ] = None,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Run directory; default runs/STRATEGY-IMAGES-seedSEED."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv[#COLUMN]", help="True accuracies: shown for what was found."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Option of the strategy, e.g. population=128."),
    ] = None,
    train: options.Train = 64,
    val: options.Val = 64,
    batch_norm: options.BatchNorm = "frozen",
    repeats: options.Repeats = 3,
    engine: options.Engine = "native",
    as_json: options.Json = False,
) -> None:
    """Search a space for the architecture of the best T, E and G.

    Scores are written to the run directory as they come. A search that was stopped, by Ctrl-C or
    otherwise, goes on where it was when the same command is given again.
    """
    search_space = get_space(space)
    accuracies = benchmarks.load_table(table) if table else None
    batch = options.read_batch(images, train, val, seed)
    if budget is None:
        budget = len(search_space) if strategy == "exhaustive" else DEFAULT_BUDGET
    directory = out or Path("runs") / f"{strategy}-{options.slug(images)}-seed{seed}"
    # On stderr, so that stdout holds the result alone.
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=as_json and not console.is_terminal) as bar:
        task = bar.add_task(f"{strategy} on {search_space.name}", total=budget, rate="")

        def show(state: SearchProgress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{state.scored / elapsed:.1f} scores/s" if elapsed > 0 else ""
            bar.update(task, completed=state.done, rate=rate)

        try:
            result = run_search(
                search_space,
                batch,
                strategy,
                budget,
                seed,
                out=directory,
                settings=options.read_settings(batch_norm, repeats, seed, engine),
                options=options.read_assignments(option or []),
                accuracy=accuracies.accuracy if accuracies else None,
                progress=show,
            )
        except KeyboardInterrupt:
            bar.stop()
            print(
                f"tegnas: stopped; what was scored is in {directory}, the same command goes on "
                "from there",
                file=sys.stderr,
            )
            raise SystemExit(130) from None
    if as_json:
        print(json.dumps({**result.summary(), "out": str(directory)}))
    else:
        print_search(result, directory, accuracies)
