"""The confirming half of the second study: the preset best beside the first study's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.ranking.combine import log_rank
from bench.ranking.evaluate import Judge
from bench.ranking.extras import extras
from bench.ranking.first_best import first_best
from bench.ranking.halves import CONFIRMING, CONFIRMING_ROWS, Half, read_half
from bench.ranking.package_scores import package_costs
from bench.ranking.tables import markdown

# 97.5 %: the half is looked at for the second time.
LEVEL = 97.5
# Seed of the images and of the first network: those of the choice, and unseen ones.
DRAWS = {"": (0, 0), ", images of draw 2, networks from seed 100": (2, 100)}


def second_confirmed_tables(table: Path, images: str, cache: Path) -> dict[str, str]:
    """τ by one architecture per class and by all rows of the same classes."""
    rows = read_half(table, CONFIRMING_ROWS)
    scores = _scores(rows, images, cache)
    chosen = set(read_half(table, CONFIRMING).archs)
    places = np.array([index for index, arch in enumerate(rows.archs) if arch in chosen])
    return {
        "second-confirming": _table(rows, scores, places),
        "second-confirming-rows": _table(rows, scores, np.arange(len(rows.archs))),
    }


# Name of a score, its members, and the name of the score that it is compared with.
_Score = tuple[str, list[np.ndarray], str | None]


def _scores(half: Half, images: str, cache: Path) -> list[_Score]:
    size = extras(half.archs)["parameters"]
    found: list[_Score] = []
    for title, (draw, seed) in DRAWS.items():
        first = first_best(half, images, cache, draw=draw, seed=seed)
        second = package_costs(half, "best", images, cache, draw=draw, seed=seed)
        plain = f"first study: T + E + G{title}"
        sized = f"first study: T + E + G + parameters{title}"
        found += [(plain, first, None), (sized, [*first, size], None)]
        if not title:
            found += [
                (f"best: {name}", [cost], None)
                for name, cost in zip(("T (κ)", "E (R)", "G (MSE)"), second, strict=True)
            ]
        found += [
            (f"**best: T + E + G**{title}", second, plain),
            (f"**best: T + E + G + parameters**{title}", [*second, size], sized),
        ]
    return [*found, ("parameters", [size], None)]


def _table(half: Half, scores: list[_Score], places: np.ndarray) -> str:
    judges = {
        name: Judge(values[places], level=LEVEL, groups=half.classes[places])
        for name, values in half.accuracy.items()
    }
    costs = {name: log_rank([each[places] for each in members]) for name, members, _ in scores}
    rows = []
    for name, _, other in scores:
        intervals = [judge.interval(costs[name]) for judge in judges.values()]
        gains = [
            "" if other is None else judge.difference(costs[name], costs[other])
            for judge in judges.values()
        ]
        rows.append([name, *intervals, *gains])
    header = ["score", *(f"τ, {name}" for name in judges), *(f"gain, {name}" for name in judges)]
    return markdown(header, rows)
