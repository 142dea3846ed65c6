"""T and G of the kernel of a part of the network, kept on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.ranking.features import spectrum
from bench.ranking.halves import Half
from bench.ranking.part_kernels import PARTS, SEARCHED, part_kernels, union
from bench.ranking.probe import Probe
from tegnas.indicators.left_out import left_out

UNIONS = {
    "all": PARTS,
    "cells": (*SEARCHED, "reduction"),
    "searched": SEARCHED,
    "stage 0": ("stage0",),
    "stage 1": ("stage1",),
    "stage 2": ("stage2",),
    "reductions": ("reduction",),
}


def part_features(
    half: Half, probe: Probe, part: str, directory: Path, images: str
) -> dict[str, np.ndarray]:
    """Logarithms of T and G, (A,) each; infinite where the kernel is singular.

    ``harmonic`` and ``noise`` are those of the preset best; ``κ`` is λmax / λmin of the kernel;
    names with ``scaled`` are of the kernel scaled to a diagonal of ones.
    """
    key = hashlib.sha256(f"{part} {probe.key()}".encode()).hexdigest()[:16]
    path = directory / half.name / f"part-{key}.npz"
    if not path.exists():
        kernels = union(part_kernels(half, probe, directory, images), UNIONS[part])
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **_features(kernels))
        partial.rename(path)
    with np.load(path) as stored:
        return dict(stored)


def _features(kernels: Tensor) -> dict[str, np.ndarray]:
    lengths = kernels.diagonal(dim1=1, dim2=2).sqrt()
    scaled = torch.nan_to_num(kernels / (lengths[:, :, None] * lengths[:, None, :]))
    (harmonic, noise), (_, scaled_noise) = left_out(kernels), left_out(scaled)
    logs, scaled_logs = spectrum(kernels), spectrum(scaled)
    found = {
        "harmonic": harmonic.log(),
        "noise": noise.log(),
        "scaled noise": scaled_noise.log(),
        "κ": logs[:, -1] - logs[:, 0],
        "scaled λmin": -scaled_logs[:, 0],
    }
    return {name: each.where(~each.isnan(), torch.inf).numpy() for name, each in found.items()}
