"""Numbers of an architecture under one probe: spectra and regression errors, kept on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import tegnas
from bench.ranking.halves import Half
from bench.ranking.probe import CHUNK, Kernels, Probe, Prober
from tegnas.kernel.targets import centred_targets

# Singular kernels have NaN everywhere.
Features = dict[str, np.ndarray]


class FeatureCache:
    """Features by half and probe; what is on disk is not computed again.

    Args:
        directory: of the files.
        images: the image file, for probes of the source ``cifar``.
    """

    def __init__(self, directory: Path, images: str) -> None:
        self._directory = directory
        self._images = images

    def __call__(self, half: Half, probe: Probe) -> Features:
        """Features of all architectures of a half, (A, ...) each."""
        path = self._directory / half.name / f"{probe.key()}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            features = compute(half.archs, Prober(probe, self._images))
            per_arch = 1e3 * (time.perf_counter() - start) / len(half.archs)
            print(f"{half.name} {asdict(probe)}: {per_arch:.2f} ms", flush=True)
            partial = path.with_suffix(".partial.npz")
            np.savez(partial, probe=json.dumps(asdict(probe)), **features)
            partial.rename(path)
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files if name != "probe"}


def compute(archs: tuple[str, ...], prober: Prober) -> Features:
    """Features of architectures, a few at a time."""
    space = tegnas.get_space("nas-bench-201")
    targets = tuple(
        centred_targets(labels, prober.batch.num_classes)
        for labels in (prober.batch.labels, prober.batch.val_labels)
    )
    parts = [
        _of_kernels(prober(archs[first : first + CHUNK]), targets)
        for first in range(0, len(archs), CHUNK)
    ]
    features = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    cut = np.array([not space.is_connected(space.parse(arch)) for arch in archs])
    for values in features.values():
        values[cut] = np.nan
    return features


def _of_kernels(kernels: Kernels, targets: tuple[Tensor, Tensor]) -> Features:
    features = _of_one(kernels.whole, targets[0])
    correlation = _of_one(_correlations(kernels.whole), targets[0])
    features |= {f"correlation {name}": values for name, values in correlation.items()}
    if kernels.body is not None and kernels.cross is not None:
        body = _of_one(kernels.body, targets[0])
        features |= {f"body {name}": values for name, values in body.items()}
        features |= _regression(kernels.body, kernels.cross, targets)
    return {name: value.numpy() for name, value in features.items()}


def _of_one(kernels: Tensor, targets: Tensor) -> dict[str, Tensor]:
    return {
        "spectrum": spectrum(kernels),
        "trace": _log_trace(kernels),
        "alignment": _alignment(kernels, targets),
        **_leave_one_out(kernels, targets),
    }


def spectrum(kernels: Tensor) -> Tensor:
    """Logarithms of the eigenvalues over their mean, (A, N), lowest first."""
    values = torch.linalg.eigvalsh(torch.nan_to_num(kernels))
    threshold = kernels.shape[-1] * torch.finfo(torch.float64).eps * values[:, -1:]
    values = torch.where(values > threshold, values, torch.nan)
    return (values / values.mean(1, keepdim=True)).log()


def _correlations(kernels: Tensor) -> Tensor:
    """Kernels scaled to a diagonal of ones: angles between gradients, without their lengths."""
    lengths = kernels.diagonal(dim1=1, dim2=2).sqrt()
    return torch.nan_to_num(kernels / (lengths[:, :, None] * lengths[:, None, :]))


def _log_trace(kernels: Tensor) -> Tensor:
    """log of the mean squared gradient norm."""
    return kernels.diagonal(dim1=1, dim2=2).mean(1).log()


def _alignment(kernels: Tensor, targets: Tensor) -> Tensor:
    """Kernel-target alignment of the centred kernel (Cortes et al. 2012)."""
    centred = kernels - kernels.mean(1, keepdim=True)
    centred = centred - centred.mean(2, keepdim=True)
    wanted = targets @ targets.T
    return (centred * wanted).sum((1, 2)) / (centred.norm(dim=(1, 2)) * wanted.norm())


def _where_regular(
    kernels: Tensor, use: Callable[[Tensor, Tensor], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Results of ``use(inverse, places)`` for the invertible kernels, NaN for the others."""
    factors, failed = torch.linalg.cholesky_ex(torch.nan_to_num(kernels))
    places = torch.nonzero(failed == 0)[:, 0]
    found = use(torch.cholesky_inverse(factors[places]), places)
    results = {}
    for name, value in found.items():
        results[name] = torch.full((len(kernels),), torch.nan, dtype=torch.float64)
        results[name][places] = value
    return results


def _leave_one_out(kernels: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Errors of predicting each image from all others of the batch, in closed form."""

    def errors(inverse: Tensor, places: Tensor) -> dict[str, Tensor]:
        own = inverse.diagonal(dim1=1, dim2=2)
        labels = ((inverse @ targets) / own[:, :, None]).square().sum(2).mean(1)
        noise = (inverse.square().sum(2) / own.square()).mean(1)
        variance = 1 / (own * kernels[places].diagonal(dim1=1, dim2=2))
        return {
            "left-out labels": labels.log(),
            "left-out noise": noise.log(),
            "left-out variance": variance.log().mean(1),
        }

    return _where_regular(kernels, errors)


def _regression(
    kernels: Tensor, cross: Tensor, targets: tuple[Tensor, Tensor]
) -> dict[str, Tensor]:
    """Errors of predicting the second batch from the first: with labels, and noise amplified."""

    def errors(inverse: Tensor, places: Tensor) -> dict[str, Tensor]:
        weights = cross[places] @ inverse
        labels = (weights @ targets[0] - targets[1]).square().sum(2).mean(1)
        noise = weights.square().sum(2).mean(1)
        return {"labels": labels.log(), "noise": noise.log()}

    return _where_regular(kernels, errors)
