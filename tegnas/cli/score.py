"""``tegnas score``."""

from __future__ import annotations

import json
import math
from typing import Annotated

import typer

from tegnas.cli import options, search_options
from tegnas.cli.tables import print_scores
from tegnas.scoring import score as run_score
from tegnas.spaces import get_space


def score(
    architectures: Annotated[
        list[str], typer.Argument(metavar="ARCHITECTURE...", help="Architecture strings.")
    ],
    space: options.Space = "nas-bench-201",
    images: options.Images = "digits",
    seed: options.Seed = 0,
    preset: search_options.Preset = "fast",
    train: search_options.Train = None,
    val: search_options.Val = None,
    batch_norm: search_options.BatchNorm = None,
    repeats: search_options.Repeats = None,
    parameters: search_options.Parameters = None,
    engine: options.Engine = "native",
    device: options.Device = "cpu",
    share_isomorphic: search_options.ShareIsomorphic = False,
    as_json: options.Json = False,
) -> None:
    """Score architectures: T, E and G at initialisation, and their ranking."""
    search_space = get_space(space)
    archs = [search_space.parse(text) for text in architectures]
    scoring = search_options.read_scoring(
        preset,
        images,
        train,
        val,
        batch_norm,
        repeats,
        seed,
        engine,
        share_isomorphic,
        parameters,
    )
    scores = run_score(
        archs, scoring.batch, space=search_space, settings=scoring.settings, device=device
    )
    if not as_json:
        print_scores(scores)
        return
    columns = {"kappa": scores.kappa, "regions": scores.regions, "mse": scores.mse}
    if scores.parameters is not None:
        columns["parameters"] = scores.parameters
    rows = [
        {
            "arch": str(arch),
            **{name: _finite(values[index].item()) for name, values in columns.items()},
            "position": position,
        }
        for index, (arch, position) in enumerate(
            zip(scores.archs, scores.ranking().tolist(), strict=True)
        )
    ]
    print(json.dumps({"scores": rows, "images": images, "seed": seed}))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
