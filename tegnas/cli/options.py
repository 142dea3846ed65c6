"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tegnas.data import Batch, load_batch
from tegnas.errors import InputError
from tegnas.indicators import ScoreSettings

Space = Annotated[str, typer.Option(help="Search space.")]
Images = Annotated[
    str,
    typer.Option(
        metavar="SOURCE",
        help="Labelled images: digits, noise, cifar10:DIR, cifar100:DIR, imagenet16:DIR, "
        "imagenet16-120:DIR, folder:DIR or FILE.npz.",
    ),
]
Train = Annotated[int, typer.Option(help="Images of the training batch (T and G).")]
Val = Annotated[int, typer.Option(help="Images of the validation batch (G).")]
Seed = Annotated[int, typer.Option(help="Of the choice of images, the networks and the strategy.")]
BatchNorm = Annotated[
    str,
    typer.Option(
        metavar="frozen|coupled",
        help="Statistics held constant in the derivative, or differentiated as in the paper.",
    ),
]
Channels = Annotated[
    int | None, typer.Option(help="Channels of the first stage; default those of the space.")
]
Cells = Annotated[int | None, typer.Option(help="Cells per stage; default those of the space.")]
Repeats = Annotated[int, typer.Option(help="Networks per architecture.")]
Engine = Annotated[
    str,
    typer.Option(
        metavar="native|torch", help="The native engine, or PyTorch modules one at a time."
    ),
]
Device = Annotated[str, typer.Option(metavar="cpu|cuda|cuda:N", help="Where scores are computed.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def read_batch(images: str, train: int, val: int, seed: int) -> Batch:
    """The batch that the shared options describe."""
    return load_batch(images, train=train, val=val, seed=seed)


def read_settings(batch_norm: str, repeats: int, seed: int, engine: str) -> ScoreSettings:
    """The score settings that the shared options describe."""
    return ScoreSettings(batch_norm=batch_norm, repeats=repeats, seed=seed, engine=engine)


def slug(images: str) -> str:
    """An image source as part of a directory's name."""
    return "".join(char if char.isalnum() else "-" for char in Path(images).stem).strip("-")


def read_assignments(assignments: list[str]) -> dict[str, object]:
    """``name=value`` options of a strategy; whole and decimal numbers are read as such."""
    options: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name or not text:
            raise InputError(f"--option takes NAME=VALUE, e.g. population=128, got {assignment!r}")
        options[name] = _number_or_text(text)
    return options


def _number_or_text(text: str) -> object:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
