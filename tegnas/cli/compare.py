"""``tegnas compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tegnas import benchmarks
from tegnas.cli import options, search_options
from tegnas.cli.faults import stopped_in
from tegnas.cli.progress import search_progress
from tegnas.cli.scoring_options import ScoringOptions, with_scoring
from tegnas.cli.tables import print_comparison
from tegnas.cli.terminal import output
from tegnas.errors import InputError
from tegnas.scoring.settings import changed
from tegnas.search import Limits, Progress
from tegnas.search.compare import compare as run_comparison
from tegnas.search.compare import summarise
from tegnas.spaces import get_space

_STRATEGIES = "random,evolution,reinforce,prune,fpnas,local"


@with_scoring
def compare(
    *,
    strategies: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME,…",
            help="Strategies to run, each with options of its own if you like: "
            "random:budget=55,evolution:population=50:tournament=10.",
            show_default=_STRATEGIES.replace(",", ", "),  # lines break at spaces
        ),
    ] = _STRATEGIES,
    seeds: Annotated[
        str, typer.Option(metavar="FIRST-LAST|N,N,…", help="Seeds of the strategies.")
    ] = "0-9",
    space: options.Space = "nas-bench-201",
    budget: search_options.Budget = None,
    seed: Annotated[int, typer.Option(help="Of the choice of images and of the networks.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of all runs; default runs/compare-SPACE-PRESET-IMAGES."),
    ] = None,
    table: search_options.Table = None,
    scoring: ScoringOptions,
    race: search_options.Race = 0,
    max_params: search_options.MaxParams = None,
    max_flops: search_options.MaxFlops = None,
    max_latency_ms: search_options.MaxLatency = None,
    latency_device: search_options.LatencyDevice = "cpu",
    executor: search_options.Executor = "in-process",
    workers: search_options.Workers = None,
    address: search_options.Address = None,
    as_json: options.Json = False,
) -> None:
    """Compare strategies over several seeds: finds, evaluations, seconds, accuracy.

    Every run is stored; the same command goes on where it was stopped.
    """
    search_space = get_space(space)
    accuracies = benchmarks.load_table(table).written_by(search_space) if table else None
    settings = changed(scoring.settings(seed), race=race)
    directory = out or options.directory_of_run(
        "compare", search_space.name, scoring.preset, options.of_images(scoring.images)
    )
    with stopped_in(directory), search_progress(as_json) as view:

        def show(strategy: str, number: int, state: Progress) -> None:
            view.show(f"{strategy}, seed {number}", state)

        rows = run_comparison(
            search_space,
            scoring.batch(settings),
            [name for name in strategies.split(",") if name],
            read_seeds(seeds),
            budget,
            out=directory,
            settings=settings,
            limits=Limits(max_params, max_flops, max_latency_ms),
            latency_device=latency_device,
            device=scoring.device,
            executor=executor,
            workers=workers,
            address=address,
            accuracy=accuracies.accuracy if accuracies else None,
            progress=show,
        )
    if as_json:
        content = [vars(each) for each in summarise(rows)]
        print(json.dumps({"strategies": content, "settings": settings.to_json()}))
    else:
        print_comparison(output(), summarise(rows), directory, settings)


def read_seeds(text: str) -> list[int]:
    """``0-9`` or ``0,3,5``; ``InputError`` if it is neither."""
    try:
        first, dash, last = text.partition("-")
        if dash:
            return list(range(int(first), int(last) + 1))
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise InputError(f"--seeds takes FIRST-LAST or N,N,…, got {text!r}") from None
