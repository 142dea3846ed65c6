"""Training of one architecture, resumable epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch
from torch import nn

from tegnas._version import __version__
from tegnas.data.dataset import Dataset, load_dataset
from tegnas.errors import InputError
from tegnas.networks.full import full_network
from tegnas.search.run_directory import CLASSES, TRAINING, marked_running, open_run_directory
from tegnas.spaces import Architecture, Space, as_architecture, as_space
from tegnas.train.checkpoint import read_checkpoint, save_checkpoint
from tegnas.train.epoch import test_epoch, train_epoch
from tegnas.train.log import EpochReport, write_log
from tegnas.train.parts import make_optimizer
from tegnas.train.recipe import Recipe, recipe_for

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.pt"


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained network (in eval mode, on its device) and one report per epoch."""

    network: nn.Module
    epochs: tuple[EpochReport, ...]

    @property
    def test_accuracy(self) -> float:
        """Percentage of the test images after the last epoch; the best epoch isn't picked."""
        return self.epochs[-1].test_accuracy


def train(
    space: Space | str,
    arch: Architecture | str,
    dataset: Dataset | str,
    recipe: Recipe | None = None,
    *,
    channels: int | None = None,
    cells: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    out: str | Path | None = None,
    progress: Callable[[EpochReport], None] | None = None,
    stop: Callable[[EpochReport], bool] | None = None,
) -> TrainResult:
    """Train the full network of an architecture.

    On CUDA with mixed precision. On the CPU two trainings with the same arguments and number of
    threads end with the same bits, stopped and resumed between or not.

    Args:
        space, arch: the architecture, or name and text of them.
        dataset: the images, or the source that ``load_dataset`` reads them from.
        recipe: how; the published recipe of the space by default.
        channels, cells: a smaller network than the space's own.
        seed: of the first weights, the order of the images and their augmentation.
        out: run directory: ``checkpoint.pt`` after every epoch, ``log.csv``, ``log.jsonl``, and
            at the end ``weights.pt``. A training that was stopped goes on from there.
        progress: called after every epoch, also for those found in ``out``.
        stop: asked after every epoch, also those found in ``out``; what it ends there isn't
            finished, so that no ``weights.pt`` is written.

    Raises:
        InputError: a size out of range, a device that isn't there, an ``out`` that can't be used
            or belongs to another configuration, an auxiliary classifier on images that it isn't
            made for.
    """
    space = as_space(space)
    arch = as_architecture(space, arch)
    dataset = load_dataset(dataset) if isinstance(dataset, str) else dataset
    recipe = recipe or recipe_for(space, dataset.source)
    dataset = replace(dataset, image_channels=getattr(space, "image_channels", None))
    device = _device(device)
    _check_auxiliary(space, dataset, recipe)
    network = full_network(
        space,
        arch,
        channels=channels,
        cells=cells,
        num_classes=dataset.num_classes,
        auxiliary=recipe.auxiliary > 0,
        seed=seed,
    ).to(device)
    optimizer = make_optimizer(recipe, network)
    scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
    directory = None
    reports: list[EpochReport] = []
    ended = False
    if out is not None:
        directory = open_run_directory(
            Path(out),
            {
                "tegnas": __version__,
                "space": space.name,
                TRAINING: str(arch),
                "recipe": asdict(recipe),
                "channels": channels,
                "cells": cells,
                "images": dataset.source,
                "image_shape": list(dataset.images.shape),
                CLASSES: dataset.num_classes,
                "seed": seed,
                "device": device.type,
            },
        )
        if (directory / CHECKPOINT).exists():
            reports = _restore(directory / CHECKPOINT, network, optimizer, scaler, device)
            for report in reports:
                _call(progress, report)
                ended = ended or (stop is not None and stop(report))
    marked = nullcontext() if directory is None else marked_running(directory)
    with marked:
        for epoch in range(len(reports), recipe.epochs):
            if ended:
                break
            start = time.perf_counter()
            learned = train_epoch(
                network, dataset, recipe, optimizer, scaler, seed=seed, epoch=epoch, device=device
            )
            tested = test_epoch(network, dataset, device)
            report = EpochReport(
                epoch + 1,
                recipe.learning_rate_at(epoch),
                learned.loss,
                learned.accuracy,
                tested.loss,
                tested.accuracy,
                time.perf_counter() - start,
            )
            reports.append(report)
            if directory is not None:
                _save(directory, network, optimizer, scaler, reports)
            _call(progress, report)
            ended = stop is not None and stop(report)
    network.eval()
    if directory is not None and not ended:
        save_checkpoint(directory / WEIGHTS, network.state_dict())
    return TrainResult(network, tuple(reports))


def _call(progress: Callable[[EpochReport], None] | None, report: EpochReport) -> None:
    if progress is not None:
        progress(report)


def _check_auxiliary(space: Space, dataset: Dataset, recipe: Recipe) -> None:
    height, width = dataset.images.shape[-2:]
    side = getattr(space, "auxiliary_side", None)
    if side is not None and recipe.auxiliary > 0 and (height, width) != (side, side):
        raise InputError(
            f"the auxiliary classifier of {space.name} is made for images of {side}×{side}, and "
            f"these are {height}×{width}; choose --image-size {side} or --auxiliary 0"
        )


def _device(device: torch.device | str) -> torch.device:
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise InputError(f"unknown device {device!r}; choose cpu or cuda") from None
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise InputError("torch sees no CUDA device here; choose the device cpu")
    return chosen


def _report(content: dict[str, float]) -> EpochReport:
    # The loss of a training that diverged is NaN.
    values = {each.name: float(content[each.name]) for each in fields(EpochReport)}
    return EpochReport(int(values.pop("epoch")), **values)


def _save(
    directory: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    reports: list[EpochReport],
) -> None:
    save_checkpoint(
        directory / CHECKPOINT,
        {
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scaler": scaler.state_dict(),
            "reports": [asdict(report) for report in reports],
        },
    )
    write_log(directory, reports)


def _restore(
    path: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    device: torch.device,
) -> list[EpochReport]:
    content = read_checkpoint(path, device)
    try:
        network.load_state_dict(content["network"])
        optimizer.load_state_dict(content["optimizer"])
        scaler.load_state_dict(content["scaler"])
        return [_report(each) for each in content["reports"]]
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{path} is no checkpoint of this training ({type(error).__name__}); remove the run "
            "directory or choose another --out"
        ) from None
