"""``tegnas score``."""

from __future__ import annotations

import json
import math
from typing import Annotated

import typer

from tegnas.cli import options
from tegnas.cli.architecture_text import written
from tegnas.cli.scoring_options import ScoringOptions, with_scoring
from tegnas.cli.tables import print_scores
from tegnas.scoring import Scores
from tegnas.scoring import score as run_score
from tegnas.spaces import get_space


@with_scoring
def score(
    *,
    architectures: Annotated[
        list[str], typer.Argument(metavar="ARCHITECTURE...", help="Architectures, short or whole.")
    ],
    space: options.Space = "nas-bench-201",
    seed: options.Seed = 0,
    scoring: ScoringOptions,
    long: options.Long = False,
    as_json: options.Json = False,
) -> None:
    """Score architectures: T, E and G at initialisation, and their ranking."""
    search_space = get_space(space)
    archs = [search_space.parse(text) for text in architectures]
    settings = scoring.settings(seed)
    scores = run_score(
        archs,
        scoring.batch(settings),
        space=search_space,
        settings=settings,
        device=scoring.device,
    )
    if as_json:
        print(json.dumps(_content(scores, scoring.images)))
    else:
        print_scores(scores, written(search_space, long))


def _content(scores: Scores, images: str) -> dict[str, object]:
    rows = [
        {
            "arch": str(arch),
            **{name: _finite(scores[name][index].item()) for name in scores},
            "position": position + 1,
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
