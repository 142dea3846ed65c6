"""The confirming half: the preset best and the present definition, by the package itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import tegnas
from bench.ranking.combine import log_rank, rank_sum
from bench.ranking.evaluate import Judge
from bench.ranking.extras import extras
from bench.ranking.halves import EVERYTHING, Half
from bench.ranking.tables import markdown

# Name of the draw: source (None: the image file) and seed.
IMAGES: dict[str, tuple[str | None, int]] = {
    "CIFAR, draw 0": (None, 0),
    "CIFAR, draw 1": (None, 1),
    "noise": ("noise", 0),
}


def confirmed_table(half: Half, images: str, cache: Path) -> str:
    """τ on this half, and differences from the present score."""
    size = extras(half.archs)["parameters"]
    present = _costs(half, "fast", images, 0, cache)
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
        best = _costs(half, "best", source or images, draw, cache)
        if title == "CIFAR, draw 0":
            for name, cost in zip(("T (κ)", "E (R)", "G (MSE)"), best, strict=True):
                add(f"best: {name}", cost, False)
            add("best: T + E + G, rank-sum", rank_sum(best))
        add(f"**best: T + E + G** ({title})", log_rank(best))
        add(f"**best: T + E + G + parameters** ({title})", log_rank([*best, size]))
    names = list(judges)
    header = ["score", *(f"τ, {name}" for name in names), *(f"gain, {name}" for name in names)]
    return markdown(header, rows)


def _costs(half: Half, preset: str, images: str, seed: int, cache: Path) -> list[np.ndarray]:
    """T, E and G as costs, from the package's own scores, kept on disk; networks of seed 0."""
    settings = tegnas.get_preset(preset).settings()
    batch = tegnas.load_batch(images, seed=seed)
    path = cache / half.name / f"scores-{settings.key()}-{batch.fingerprint()[:16]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        space = tegnas.get_space("nas-bench-201")
        start = time.perf_counter()
        scores = tegnas.score(half.archs, batch, space=space, settings=settings)
        per_arch = 1e3 * (time.perf_counter() - start) / len(half.archs)
        print(f"{half.name}, {preset}, {images}, draw {seed}: {per_arch:.2f} ms", flush=True)
        table = np.stack([scores.kappa.numpy(), -scores.regions.numpy(), scores.mse.numpy()])
        with path.with_suffix(".partial").open("wb") as file:
            np.save(file, table)
        path.with_suffix(".partial").rename(path)
    return _with_failures(np.load(path))


def _with_failures(costs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """NaN everywhere where T or G is infinite: worst in all, as the package ranks."""
    bad = ~(np.isfinite(costs[0]) & np.isfinite(costs[2]))
    return [np.where(bad, np.nan, cost) for cost in costs]
