"""T, E and G as the package computes them, kept on disk."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import tegnas
from bench.ranking.halves import Half


def package_costs(
    half: Half, preset: str, images: str, cache: Path, *, draw: int = 0, seed: int = 0
) -> list[np.ndarray]:
    """T, E and G by a preset as costs; NaN in all where T or G is infinite, as the package ranks.

    Args:
        half: the architectures.
        preset: its name.
        images: the image file.
        cache: directory of the scores.
        draw: seed of the choice of images.
        seed: of the first network.
    """
    settings = tegnas.get_preset(preset).settings(seed=seed)
    batch = tegnas.load_batch(images, seed=draw)
    path = cache / half.name / f"scores-{settings.key()}-{batch.fingerprint()[:16]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        space = tegnas.get_space("nas-bench-201")
        start = time.perf_counter()
        scores = tegnas.score(half.archs, batch, space=space, settings=settings)
        per_arch = 1e3 * (time.perf_counter() - start) / len(half.archs)
        print(f"{half.name}, {preset}, draw {draw}, seed {seed}: {per_arch:.2f} ms", flush=True)
        partial = path.with_suffix(".partial.npy")
        np.save(
            partial,
            np.stack([scores.kappa.numpy(), -scores.regions.numpy(), scores.mse.numpy()]),
        )
        partial.rename(path)
    costs = np.load(path)
    bad = ~(np.isfinite(costs[0]) & np.isfinite(costs[2]))
    return [np.where(bad, np.nan, cost) for cost in costs]
