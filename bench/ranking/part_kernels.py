"""Kernels of disjoint parts of the network, kept on disk: their sums are kernels of any union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.ranking.halves import Half
from bench.ranking.probe import CHUNK, Probe, Prober

# Every weight belongs to one part; a kernel is a sum over weights, so also a sum over parts.
PARTS = ("ends", "stage0", "stage1", "stage2", "reduction")
SEARCHED = ("stage0", "stage1", "stage2")


def part_kernels(half: Half, probe: Probe, directory: Path, images: str) -> np.ndarray:
    """Lower triangles of the kernels, float64 (A, parts, N (N + 1) / 2), mapped from disk.

    They take 130 MB for 64 images and 1,616 architectures.
    """
    path = directory / half.name / f"parts-{probe.key()}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        probers = [Prober(replace(probe, body=part), images) for part in PARTS]
        partial = path.with_suffix(".partial")
        n = probe.images
        shape = (len(half.archs), len(PARTS), n * (n + 1) // 2)
        table = np.lib.format.open_memmap(partial, "w+", np.float64, shape)
        for first in range(0, len(half.archs), CHUNK):
            table[first : first + CHUNK] = _triangles(half.archs[first : first + CHUNK], probers)
        table.flush()
        partial.rename(path)
    return np.load(path, mmap_mode="r")


def _triangles(archs: Sequence[str], probers: Sequence[Prober]) -> np.ndarray:
    kernels = torch.stack([prober.body(archs) for prober in probers], dim=1)
    rows, columns = torch.tril_indices(*kernels.shape[-2:])
    return kernels[..., rows, columns].numpy()


def union(triangles: np.ndarray, parts: Sequence[str]) -> Tensor:
    """The kernels of these parts together, float64 (A, N, N)."""
    chosen = np.sum([triangles[:, PARTS.index(part)] for part in parts], axis=0)
    n = int((2 * triangles.shape[-1]) ** 0.5)
    kernels = np.zeros((len(triangles), n, n))
    rows, columns = np.tril_indices(n)
    kernels[:, rows, columns] = kernels[:, columns, rows] = chosen
    return torch.from_numpy(kernels)
