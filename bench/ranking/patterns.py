"""Activation patterns of the proxy network on images: their Hamming kernel, kept on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import tegnas
from bench.ranking.features import Features, spectrum
from bench.ranking.halves import Half
from bench.ranking.probe import Probe, load
from tegnas.reference.scores import relu_activations


def pattern_features(half: Half, probe: Probe, directory: Path, images: str) -> Features:
    """Spectrum of the Hamming kernel (A, N), and how many ReLU units there are (A,).

    The kernel of two images is the share of units on which their signs agree (Mellor et al. 2021).
    """
    key = hashlib.sha256(f"patterns {probe.key()}".encode()).hexdigest()[:16]
    path = directory / half.name / f"patterns-{key}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        x = load(probe, images).images
        rows = [_hamming(arch, probe.network, x) for arch in half.archs]
        spectra = spectrum(torch.stack([kernel for kernel, _ in rows]))
        units = np.array([float(count) for _, count in rows])
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **{"pattern spectrum": spectra.numpy(), "units": units})
        partial.rename(path)
    with np.load(path) as stored:
        return dict(stored)


def _hamming(arch: str, seed: int, x: Tensor) -> tuple[Tensor, int]:
    space = tegnas.get_space("nas-bench-201")
    network = space.network(space.parse(arch), "proxy", seed=seed)
    signs = torch.cat(relu_activations(network, [x]), 1).float() * 2 - 1
    units = signs.shape[1]
    return ((signs @ signs.T) / units + 1).double() / 2, units
