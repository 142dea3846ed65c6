"""``tegnas search``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tegnas import benchmarks
from tegnas.cli import options, search_options
from tegnas.cli.architecture_text import written
from tegnas.cli.config import with_config
from tegnas.cli.faults import stopped_in
from tegnas.cli.progress import search_progress
from tegnas.cli.scoring_options import ScoringOptions, with_scoring
from tegnas.cli.search_logs import search_logs
from tegnas.cli.tables import print_search
from tegnas.scoring.settings import changed
from tegnas.search import Limits, strategy_names
from tegnas.search import search as run_search
from tegnas.search.run_directory import saved_evaluations
from tegnas.spaces import get_space


@with_config
@with_scoring
def search(
    *,
    space: options.Space = "nas-bench-201",
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(strategy_names())}.",
            autocompletion=options.completed(strategy_names()),
        ),
    ] = "evolution",
    budget: search_options.Budget = None,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Run directory; default runs/SPACE-STRATEGY-PRESET-IMAGES-seedSEED."),
    ] = None,
    table: search_options.Table = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Option of the strategy, e.g. population=128."),
    ] = None,
    scoring: ScoringOptions,
    race: search_options.Race = 0,
    max_params: search_options.MaxParams = None,
    max_flops: search_options.MaxFlops = None,
    max_latency_ms: search_options.MaxLatency = None,
    latency_device: search_options.LatencyDevice = "cpu",
    pareto: search_options.Pareto = None,
    executor: search_options.Executor = "in-process",
    workers: search_options.Workers = None,
    address: search_options.Address = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Log to TensorBoard as the search goes on."),
    ] = None,
    long: options.Long = False,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="sqlite:///FILE.db",
            help="Write the search as an Optuna study into this storage as it goes on.",
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Name of the study; default that of the run directory.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Search a space for the architecture of the best T, E and G.

    Scores are written to the run directory as they come. A search that was stopped, by Ctrl-C or
    otherwise, goes on where it was when the same command is given again.
    """
    search_space = get_space(space)
    accuracies = benchmarks.load_table(table).written_by(search_space) if table else None
    settings = changed(scoring.settings(seed), race=race)
    directory = out or options.directory_of_run(
        search_space.name,
        strategy,
        scoring.preset,
        options.of_images(scoring.images),
        f"seed{seed}",
    )
    title = f"{strategy} on {search_space.name}"
    study = study or directory.name
    with (
        stopped_in(directory),
        search_logs(
            search_space, settings, tensorboard=tensorboard, storage=storage, study=study
        ) as evaluated,
        search_progress(as_json) as view,
    ):
        batch = scoring.batch(settings)
        result = run_search(
            search_space,
            batch,
            strategy,
            budget,
            seed,
            out=directory,
            settings=settings,
            options=options.read_assignments(option or []),
            limits=Limits(max_params, max_flops, max_latency_ms),
            pareto=pareto,
            latency_device=latency_device,
            device=scoring.device,
            executor=executor,
            workers=workers,
            address=address,
            accuracy=accuracies.accuracy if accuracies else None,
            progress=lambda state: view.show(title, state),
            evaluated=evaluated,
        )
    if as_json:
        kept = saved_evaluations(directory) or 0
        longer = {"kept_evaluations": kept} if kept > len(result) else {}
        print(json.dumps({**result.summary(), "out": str(directory), **longer}))
    else:
        shown = written(search_space, long)
        print_search(result, directory, shown, accuracies, are_images=batch.images.ndim == 4)
        if storage is not None:
            print(f"Study {study} in {storage}; look at it with: optuna-dashboard {storage}")
