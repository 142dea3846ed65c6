"""The confirming half of the first study: its definition of best beside the present one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.ranking.combine import log_rank, rank_sum
from bench.ranking.evaluate import Judge
from bench.ranking.extras import extras
from bench.ranking.first_best import first_best
from bench.ranking.halves import EVERYTHING, Half
from bench.ranking.package_scores import package_costs
from bench.ranking.tables import markdown

# Name of the draw: source and seed.
IMAGES = {"CIFAR, draw 0": ("cifar", 0), "CIFAR, draw 1": ("cifar", 1), "noise": ("noise", 0)}


def confirmed_table(half: Half, images: str, cache: Path) -> str:
    """τ on this half, and differences from the present score."""
    size = extras(half.archs)["parameters"]
    present = package_costs(half, "fast", images, cache)
    start = rank_sum(present)
    judges = {name: Judge(values) for name, values in half.accuracy.items()}
    rows: list[list[object]] = []

    def add(name: str, cost: np.ndarray, compare: bool = True) -> None:
        intervals = [judge.interval(cost) for judge in judges.values()]
        gains = [judge.difference(cost, start) if compare else "" for judge in judges.values()]
        rows.append([name, *intervals, *gains])

    for name, cost in zip(("T (κ)", "E (R)", "G (MSE)"), present, strict=True):
        add(f"fast: {name}", cost, False)
    add("fast: T + E + G, rank-sum", start, False)
    add("parameters", size, False)
    add("fast: T + E + G + parameters, rank-sum", rank_sum([*present, size]))
    for title, (source, draw) in IMAGES.items():
        if half.name == EVERYTHING and title != "CIFAR, draw 0":
            continue
        best = first_best(half, images, cache, source=source, draw=draw)
        if title == "CIFAR, draw 0":
            for name, cost in zip(("T (κ)", "E (R)", "G (MSE)"), best, strict=True):
                add(f"best: {name}", cost, False)
            add("best: T + E + G, rank-sum", rank_sum(best))
        add(f"**best: T + E + G** ({title})", log_rank(best))
        add(f"**best: T + E + G + parameters** ({title})", log_rank([*best, size]))
    names = list(judges)
    header = ["score", *(f"τ, {name}" for name in names), *(f"gain, {name}" for name in names)]
    return markdown(header, rows)
