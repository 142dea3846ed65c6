"""``tegnas score``."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Annotated

import typer

from tegnas.cli import options
from tegnas.cli.architecture_text import written
from tegnas.cli.model_table import print_models, write_models
from tegnas.cli.progress import search_progress
from tegnas.cli.scoring_options import ScoringOptions, with_scoring
from tegnas.cli.tables import print_scores
from tegnas.data import load_batch
from tegnas.errors import InputError
from tegnas.scoring import Scores, ScoreSettings
from tegnas.scoring import score as run_score
from tegnas.search import Progress
from tegnas.spaces import get_space


@with_scoring
def score(
    *,
    architectures: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARCHITECTURE", help="Architectures, short or whole."),
    ] = None,
    space: options.Space = "nas-bench-201",
    timm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Instead: models of timm by name or pattern, e.g. 'resnet1*' (repeatable). "
            "--image-size is then the side of the images that they see, by default as they come.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that score models; default one per core.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.csv", help="Also write the models.")
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(
            help="How many of the best are wanted: the others are given up as soon as they lie "
            "behind."
        ),
    ] = None,
    seed: options.Seed = 0,
    scoring: ScoringOptions,
    long: options.Long = False,
    as_json: options.Json = False,
) -> None:
    """Score architectures, or models of timm: T, E and G at initialisation, ranked."""
    settings = scoring.settings(seed)
    if timm:
        if architectures:
            raise InputError("give architectures of a space or --timm, not both")
        if best is not None:
            raise InputError("--best belongs to architectures of a space; leave it out")
        _score_models(timm, scoring, settings, workers, out, as_json)
        return
    if not architectures:
        raise InputError("name architectures, or models of timm by --timm PATTERN")
    if workers is not None or out is not None:
        raise InputError("--workers and --out belong to --timm; --json prints all of the scores")
    search_space = get_space(space)
    archs = [search_space.parse(text) for text in architectures]
    scores = run_score(
        archs,
        scoring.batch(settings),
        space=search_space,
        settings=settings,
        device=scoring.device,
        best=best,
    )
    if as_json:
        print(json.dumps(_content(scores, scoring.images)))
    else:
        print_scores(scores, written(search_space, long))


def _score_models(
    patterns: list[str],
    scoring: ScoringOptions,
    settings: ScoreSettings,
    workers: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from tegnas.integrations.timm import model_names, score_models

    if scoring.device != "cpu":
        raise InputError("models of timm are scored on the CPU; leave --device out")
    names = model_names(patterns)
    batch = load_batch(
        scoring.images,
        train=settings.train,
        val=settings.val,
        seed=settings.seed,
        size=scoring.image_size or None,
    )
    with search_progress(as_json) as view:
        scores = score_models(
            names,
            batch,
            settings=settings,
            workers=workers or len(os.sched_getaffinity(0)),
            progress=lambda done: view.show("models", Progress(done, len(names), done)),
        )
    if out is not None:
        write_models(scores, out)
    if as_json:
        rows = [
            {name: _finite(each) if isinstance(each, float) else each for name, each in row.items()}
            for row in scores.records()
        ]
        about = {"images": scoring.images, "settings": settings.to_json()}
        print(json.dumps({"models": rows, **about}))
    else:
        print_models(scores)
        if out is not None:
            print(f"Written to {out}")


def _content(scores: Scores, images: str) -> dict[str, object]:
    rows = [
        {
            "arch": str(arch),
            **{name: _finite(scores[name][index].item()) for name in scores.settings.names},
            "position": position + 1,
            **({} if scores.computed is None else {"networks": int(scores.counts[index])}),
        }
        for index, (arch, position) in enumerate(
            zip(scores.archs, scores.ranking().tolist(), strict=True)
        )
    ]
    return {
        "scores": rows,
        "images": images,
        "settings": scores.settings.to_json(),
        "warnings": list(scores.warnings),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
