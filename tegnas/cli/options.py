"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from tegnas.data import Batch, describe_sources, load_batch
from tegnas.indicators import Indicator, get_indicator
from tegnas.search.contestant import read_assignment
from tegnas.spaces import space_names


def completed(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell offers in place of the beginning of a word."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


Space = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE.py:NAME",
        help=f"Search space: {', '.join(space_names())}, or one of your own.",
        autocompletion=completed(space_names()),
    ),
]
ArchitectureSpace = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.py:NAME",
        help="Search space, as of tegnas search; default nas-bench-201, or that of the run or JSON "
        "file. One from a file is loaded only if it is named here.",
    ),
]
RunIndicator = Annotated[
    list[str] | None,
    typer.Option(
        "--indicator",
        metavar="FILE.py:NAME",
        help="An indicator of your own that the run was scored by (repeatable).",
    ),
]
RunSpace = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.py:NAME",
        help="Space of the runs, needed where it is one from a file: that file is run only if it "
        "is named here.",
    ),
]
Images = Annotated[
    str,
    typer.Option(
        "--images",
        "--data",
        metavar="SOURCE",
        help="Labelled images: digits, noise, cifar10:DIR, cifar100:DIR, imagenet16:DIR, "
        "imagenet16-120:DIR, folder:DIR, huggingface:DIR or FILE.npz; or other examples: wine, "
        "breast-cancer, FILE.npz with rows or ids of tokens, arrays:FILE.npz with anything.",
        autocompletion=completed(
            [name.removesuffix("DIR") for name in describe_sources() if name[0].islower()]
        ),
    ),
]
Seed = Annotated[int, typer.Option(help="Of the choice of images, the networks and the strategy.")]
Channels = Annotated[
    int | None, typer.Option(help="Channels of the first stage; default those of the space.")
]
Cells = Annotated[int | None, typer.Option(help="Cells per stage; default those of the space.")]
Long = Annotated[
    bool, typer.Option("--long", help="Print architectures in full, not in their short form.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def read_batch(images: str, train: int, val: int, seed: int) -> Batch:
    """The batch that the shared options describe."""
    return load_batch(images, train=train, val=val, seed=seed)


def directory_of_run(*parts: str) -> Path:
    """``runs/PART-PART-…``: where a run goes by default, so that other settings go elsewhere."""
    return Path("runs", "-".join(filter(None, map(_slug, parts))))


def of_images(images: str) -> str:
    """An image source as part of a directory's name."""
    return Path(images).stem


def _slug(text: str) -> str:
    kept = "".join(char if char.isalnum() or char in "._" else "-" for char in text)
    return kept.strip("-")[:40]


def read_assignments(assignments: list[str]) -> dict[str, object]:
    """``name=value`` options of a strategy."""
    return dict(read_assignment(each, "--option") for each in assignments)


def read_indicators(references: list[str] | None) -> list[Indicator]:
    """The indicators that the user named, for reading runs that were scored by them."""
    return [get_indicator(each) for each in references or []]
