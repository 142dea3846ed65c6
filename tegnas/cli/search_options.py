"""Options of the commands that score and search."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tegnas.cli import options
from tegnas.data import Batch
from tegnas.scoring import ScoreSettings, get_preset

Budget = Annotated[
    int | None, typer.Option(help="Evaluations; by default the strategy's own number.")
]
Table = Annotated[
    str | None,
    typer.Option(metavar="FILE.csv[#COLUMN]", help="True accuracies: shown for what was found."),
]
Preset = Annotated[
    str,
    typer.Option(
        metavar="fast|paper|best",
        help="fast: BatchNorm frozen; paper: coupled, as published; best: what ranks best, with "
        "parameters as a fourth term. The options below win over it.",
    ),
]
Train = Annotated[int | None, typer.Option(help="Images of the training batch (T and G).")]
Val = Annotated[int | None, typer.Option(help="Images of the validation batch (G).")]
BatchNorm = Annotated[
    str | None,
    typer.Option(
        metavar="frozen|coupled",
        help="Statistics held constant in the derivative, or differentiated as in the paper.",
    ),
]
Repeats = Annotated[int | None, typer.Option(help="Networks per architecture.")]
Parameters = Annotated[
    bool | None,
    typer.Option(
        "--parameters/--no-parameters",
        help="Whether the parameters of the full network take part in the ranking.",
        show_default="that of the preset",
    ),
]
ShareIsomorphic = Annotated[
    bool,
    typer.Option(
        "--share-isomorphic", help="Score one architecture for each class of isomorphic ones."
    ),
]
MaxParams = Annotated[
    float | None, typer.Option(help="Largest number of parameters of the full network.")
]
MaxFlops = Annotated[
    float | None,
    typer.Option(help="Most operations for one image; a multiply-add counts one."),
]
MaxLatency = Annotated[
    float | None, typer.Option(help="Longest time of one image in milliseconds, measured here.")
]
LatencyDevice = Annotated[str, typer.Option(metavar="cpu|cuda", help="Where latency is measured.")]
Pareto = Annotated[
    str | None,
    typer.Option(metavar="params|flops|latency", help="Also show the front of rank and this cost."),
]
Executor = Annotated[
    str,
    typer.Option(
        metavar="in-process|process|ray",
        help="Where scores are computed; the result is the same.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes, or Ray tasks at a time; default one per core.")
]
Address = Annotated[
    str | None, typer.Option(help="Of a running Ray cluster: HOST:PORT, ray://HOST:PORT or auto.")
]


@dataclass(frozen=True)
class Scoring:
    """What the shared options of a score or a search come to."""

    batch: Batch
    settings: ScoreSettings
    notes: dict[str, object]


def read_scoring(
    preset: str,
    images: str,
    train: int | None,
    val: int | None,
    batch_norm: str | None,
    repeats: int | None,
    seed: int,
    engine: str,
    share_isomorphic: bool = False,
    parameters: bool | None = None,
) -> Scoring:
    """A preset with what was given one by one in its place."""
    given = {
        "train": train,
        "val": val,
        "batch_norm": batch_norm,
        "repeats": repeats,
        "parameters": parameters,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    chosen = replace(get_preset(preset), **changes)
    return Scoring(
        options.read_batch(images, chosen.train, chosen.val, seed),
        chosen.settings(seed=seed, engine=engine, share_isomorphic=share_isomorphic),
        {"preset": preset},
    )


@contextmanager
def stopped_in(directory: Path) -> Iterator[None]:
    """Ctrl-C ends in one sentence that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            f"tegnas: stopped; what was scored is in {directory}, the same command goes on "
            "from there",
            file=sys.stderr,
        )
        raise SystemExit(130) from None
