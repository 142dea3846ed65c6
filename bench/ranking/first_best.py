"""The preset best as the first study left it: shallow networks, the kernel of all weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bench.ranking.halves import Half
from bench.ranking.probe import CHUNK, Probe, Prober
from bench.ranking.regions import RegionProbe, count
from tegnas.indicators.left_out import left_out

PROBE = Probe(size=16, lean=True)
NETWORKS = 8


def first_best(
    half: Half, images: str, cache: Path, *, source: str = "cifar", draw: int = 0, seed: int = 0
) -> list[np.ndarray]:
    """T, E and G as costs, by networks of ``seed`` and the seven after it; kept on disk."""
    probe = replace(PROBE, source=source, draw=draw, network=seed)
    path = cache / half.name / f"first-best-{probe.key()}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        table = np.stack(compute(half.archs, images, probe))
        partial = path.with_suffix(".partial.npy")
        np.save(partial, table)
        partial.rename(path)
    return list(np.load(path))


def compute(
    archs: Sequence[str], images: str, probe: Probe = PROBE, networks: int = NETWORKS
) -> list[np.ndarray]:
    """Medians over the networks; worst where the kernels of half of them are singular."""
    seeds = range(probe.network, probe.network + networks)
    each = [_kernel_costs(archs, images, replace(probe, network=seed)) for seed in seeds]
    with np.errstate(invalid="ignore"):
        t, g = np.median(each, axis=0)
    e = np.median([count(archs, RegionProbe(3, 1000, seed)) for seed in seeds], axis=0)
    bad = ~(np.isfinite(t) & np.isfinite(g))
    return [np.where(bad, np.inf, cost) for cost in (t, e, g)]


def _kernel_costs(archs: Sequence[str], images: str, probe: Probe) -> np.ndarray:
    """T and G of one network, (2, A)."""
    prober = Prober(probe, images)
    parts = [
        torch.stack(left_out(prober(archs[first : first + CHUNK]).whole))
        for first in range(0, len(archs), CHUNK)
    ]
    return torch.cat(parts, dim=1).numpy()
