"""``tegnas train``."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from tegnas.cli import options
from tegnas.cli.architecture import DEFAULT_SPACE, images_of, read_architecture
from tegnas.cli.architecture_text import written
from tegnas.cli.faults import stopped_in
from tegnas.cli.tables import counted, for_command
from tegnas.cli.training_view import EpochView, print_check
from tegnas.data.dataset import Dataset, load_dataset
from tegnas.errors import InputError
from tegnas.scoring import get_preset
from tegnas.scoring.presets import DEFAULT_PRESET
from tegnas.spaces import get_space
from tegnas.spaces.short_form import short_form
from tegnas.train import Recipe, check_ranking, recipe_for
from tegnas.train import train as run_training

# Of an architecture that no run found.
_IMAGES = "digits"


def train(
    architecture: Annotated[
        str | None,
        typer.Argument(
            metavar="ARCHITECTURE|RUN|FILE.json",
            help="Architecture (short or whole), run directory (its best) or exported JSON.",
        ),
    ] = None,
    space: options.ArchitectureSpace = None,
    indicator: options.RunIndicator = None,
    images: Annotated[
        str | None,
        typer.Option(
            "--images",
            "--data",
            metavar="SOURCE",
            help="Labelled images, as of tegnas search; default those of the run, else digits.",
        ),
    ] = None,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Run directory; default runs/train-SPACE-ARCHITECTURE-IMAGES-seedSEED."),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Resize images to this height and width.")
    ] = None,
    channels: options.Channels = None,
    cells: options.Cells = None,
    epochs: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: the recipe's.")] = None,
    cutout: Annotated[
        int | None, typer.Option(help="Side in pixels; default the recipe's.")
    ] = None,
    auxiliary: Annotated[
        float | None,
        typer.Option(
            help="Weight of the loss of DARTS' auxiliary classifier, 0 for none; default the "
            "recipe's."
        ),
    ] = None,
    flip: Annotated[
        bool | None, typer.Option(help="Mirror half of the images; default yes, but for digits.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="cpu or cuda; auto takes cuda where there is one.")
    ] = "auto",
    check: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Instead: train N random architectures and compare their ranking by accuracy "
            "with that at initialisation.",
        ),
    ] = None,
    long: options.Long = False,
    as_json: options.Json = False,
) -> None:
    """Train the full network of an architecture by the recipe of its space.

    After every epoch a checkpoint goes to the run directory; the same command goes on from there
    after a stop. To try it on a CPU:
    `--image-size 16 --channels 8 --cells 1 --epochs 8 --batch-size 64`.
    """
    changes = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "cutout": cutout,
        "auxiliary": auxiliary,
        "flip": flip,
    }
    size: dict[str, Any] = {"channels": channels, "cells": cells, "seed": seed}
    size["device"] = (
        ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    )
    if check is not None:
        if architecture is not None or out is not None:
            raise InputError("--check trains random architectures: give no architecture, no --out")
        name, images = space or DEFAULT_SPACE, images or _IMAGES
        recipe = recipe_for(get_space(name), images, **changes)
        dataset = load_dataset(images, size=image_size)
        _check(name, check, dataset, recipe, size, long, as_json)
        return
    if architecture is None:
        raise InputError("name an architecture, a run directory or a JSON file (or use --check N)")
    search_space, arch = read_architecture(architecture, space, options.read_indicators(indicator))
    images = images or images_of(architecture) or _IMAGES
    recipe = recipe_for(search_space, images, **changes)
    dataset = load_dataset(images, size=image_size)
    directory = out or options.directory_of_run(
        "train",
        search_space.name,
        short_form(search_space, arch),
        options.of_images(images),
        f"seed{seed}",
    )
    console = Console(stderr=True)
    hidden = as_json and not console.is_terminal
    with (
        stopped_in(directory, "the last whole epoch"),
        EpochView(recipe.epochs, console, disable=hidden) as view,
    ):
        result = run_training(
            search_space, arch, dataset, recipe, out=directory, progress=view.show, **size
        )
    if as_json:
        facts = {"arch": str(arch), "test_accuracy": result.test_accuracy, "out": str(directory)}
        print(json.dumps({**facts, "epochs": len(result.epochs)}))
    else:
        after = counted(len(result.epochs), "epoch")
        print(f"Test accuracy {result.test_accuracy:.2f} % after {after}")
        print(f"Saved in {directory}: weights.pt, checkpoint.pt, log.csv, log.jsonl, run.json")
        where = for_command(directory, space or search_space.name)
        print(f"Next: tegnas export {where} --format onnx -o network.onnx")
        print(f"      tegnas export {where} -o network.py")


def _check(
    space: str,
    count: int,
    dataset: Dataset,
    recipe: Recipe,
    size: dict[str, Any],
    long: bool,
    as_json: bool,
) -> None:
    search_space = get_space(space)
    rng = random.Random(size["seed"])
    archs: dict[object, None] = {}
    if not 2 <= count <= len(search_space):
        raise InputError(f"--check takes 2 to {len(search_space)} architectures, got {count}")
    while len(archs) < count:
        arch = search_space.sample(rng)
        if search_space.is_connected(arch):
            archs[arch] = None
    settings = replace(get_preset(DEFAULT_PRESET), seed=size["seed"])
    batch = options.read_batch(dataset.source, settings.train, settings.val, settings.seed)
    console = Console(stderr=True)
    hidden = as_json and not console.is_terminal
    with EpochView(count, console, unit="network", disable=hidden) as view:
        result = check_ranking(
            search_space,
            list(archs),
            dataset,
            batch,
            recipe,
            settings=settings,
            progress=view.advance_to,
            **size,
        )
    if as_json:
        rows = [
            {"arch": str(arch), "test_accuracy": accuracy}
            for arch, accuracy in zip(result.scores.archs, result.accuracies, strict=True)
        ]
        print(
            json.dumps(
                {
                    "networks": rows,
                    "kendall_tau": result.taus,
                    "settings": result.scores.settings.to_json(),
                }
            )
        )
    else:
        print_check(result, recipe, written(search_space, long))
