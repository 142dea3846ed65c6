"""``tegnas refine``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from tegnas import benchmarks
from tegnas.cli import options, search_options
from tegnas.cli.architecture_text import written
from tegnas.cli.faults import stopped_in
from tegnas.cli.refine_view import RefineView, print_refined
from tegnas.data.dataset import load_dataset
from tegnas.errors import InputError
from tegnas.refine import DEFAULT_NEIGHBOURS, ShortTrainer, TableTrainer, Trainer
from tegnas.refine import refine as run_refine
from tegnas.refine.result import DIRECTORY
from tegnas.refine.scored import load_run
from tegnas.refine.short import DEFAULT_EPOCHS
from tegnas.spaces import get_space
from tegnas.train import recipe_for

_TRAINING = "Trainings"


def _option(*names: str, help: str, metavar: str | None = None):
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=_TRAINING)


def refine(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a finished search.")],
    trainings: Annotated[int, typer.Option(help="At most so many candidates are trained.")] = 10,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv[#[-]COLUMN]",
            help="Look accuracies up instead of training; only what it knows is a candidate.",
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv[#[-]COLUMN]", help="True accuracies, shown beside; none is used."
        ),
    ] = None,
    seed: options.Seed = 0,
    neighbours: Annotated[
        int, typer.Option(help="Neighbours of the best that are scored before each choice.")
    ] = DEFAULT_NEIGHBOURS,
    worth: Annotated[
        float,
        typer.Option(help="End when another training is expected to add less than so many %."),
    ] = 0.0,
    at_once: Annotated[
        int | None,
        typer.Option(help="Candidates chosen at a time; default one for each of the workers."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Directory; default RUN/refine.")] = None,
    space: options.RunSpace = None,
    indicator: options.RunIndicator = None,
    images: Annotated[
        str | None, _option(help="Labelled images; default those of the search.", metavar="SOURCE")
    ] = None,
    image_size: Annotated[
        int | None, _option(help="Resize images to this height and width.")
    ] = None,
    channels: Annotated[
        int | None, _option(help="Channels of the first stage; default those of the space.")
    ] = None,
    cells: Annotated[
        int | None, _option(help="Cells per stage; default those of the space.")
    ] = None,
    epochs: Annotated[int, _option(help="Of a training that isn't stopped.")] = DEFAULT_EPOCHS,
    batch_size: Annotated[int | None, _option(help="Default: the recipe's.")] = None,
    learning_rate: Annotated[float | None, _option(help="Default: the recipe's.")] = None,
    cutout: Annotated[int | None, _option(help="Side in pixels; default the recipe's.")] = None,
    auxiliary: Annotated[
        float | None, _option(help="Weight of DARTS' auxiliary classifier; default the recipe's.")
    ] = None,
    halving: Annotated[
        bool,
        _option(
            help="Stop a training that isn't in the better half after a quarter or a half of its "
            "epochs or folds (needs Optuna)."
        ),
    ] = True,
    folds: Annotated[
        int,
        _option(
            help="Train every candidate so many times, another fifth of the images held out each "
            "time, and take the mean: where images are few."
        ),
    ] = 1,
    device: Annotated[str, _option(help="cpu or cuda; auto takes cuda where there is one.")] = (
        "auto"
    ),
    executor: search_options.Executor = "in-process",
    workers: search_options.Workers = None,
    address: search_options.Address = None,
    long: options.Long = False,
    as_json: options.Json = False,
) -> None:
    """Train a few candidates of a finished search and give the best.

    A model of accuracy given T, E, G and structure chooses which. A refinement that was stopped
    goes on from there when the same command is given again, and so does one that is given more
    trainings.
    """
    chosen = None if space is None else get_space(space)
    found = load_run(run, chosen, options.read_indicators(indicator))
    search_space = chosen or get_space(found.space)
    directory = out or run / DIRECTORY
    trainer: Trainer
    if table is not None:
        if images is not None:
            raise InputError("--table gives accuracies, --images would train: choose one of them")
        trainer = TableTrainer(
            search_space,
            benchmarks.load_table(table),
            None if truth is None else benchmarks.load_table(truth),
        )
        at_once = at_once or 1
    else:
        if truth is not None:
            raise InputError("--truth is shown beside accuracies of a table; give --table")
        source = images or str(found.settings.get("images"))
        changes = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "cutout": cutout,
            "auxiliary": auxiliary,
        }
        short = ShortTrainer(
            search_space,
            load_dataset(source, size=image_size),
            recipe_for(search_space, source, **changes),
            channels=channels,
            cells=cells,
            seed=seed,
            device=("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device,
            halving=halving,
            folds=folds,
            folder=directory / "trainings",
            executor=executor,
            workers=workers,
            address=address,
        )
        trainer, at_once = short, at_once or short.workers
    console = Console(stderr=True)
    hidden = as_json and not console.is_terminal
    with (
        stopped_in(directory, "what was trained"),
        RefineView(trainings, console, disable=hidden) as view,
    ):
        result = run_refine(
            found,
            trainer,
            trainings,
            space=search_space,
            seed=seed,
            neighbours=neighbours,
            at_once=at_once,
            worth=worth,
            out=directory,
            progress=view.show,
        )
    if as_json:
        print(json.dumps({**result.to_json(), "out": str(directory)}))
    else:
        print_refined(result, directory, written(search_space, long))
