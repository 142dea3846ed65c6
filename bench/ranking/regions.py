"""Region counts of thin networks, kept on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

import tegnas
from bench.ranking.halves import Half
from tegnas import ops
from tegnas.indicators.jobs import JobMaker
from tegnas.indicators.regions import region_inputs

CHUNK = 256


@dataclass(frozen=True)
class RegionProbe:
    """Inputs of 1×side×side, standard normal, in batches of at most 1,000.

    Attributes:
        side: height and width of an input.
        samples: how many inputs.
        network: seed of the weights and of the inputs.
    """

    side: int = 3
    samples: int = 3000
    network: int = 0

    def key(self) -> str:
        """A short text that is another for every probe."""
        text = json.dumps({"regions": asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def count_regions(half: Half, probe: RegionProbe, directory: Path) -> np.ndarray:
    """Minus the number of linear regions, (A,): lower is better."""
    path = directory / half.name / f"regions-{probe.key()}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = _count(half.archs, probe)
        with path.with_suffix(".partial").open("wb") as file:
            np.save(file, counts)
        path.with_suffix(".partial").rename(path)
    return np.load(path)


def _count(archs: tuple[str, ...], probe: RegionProbe) -> np.ndarray:
    space = tegnas.get_space("nas-bench-201")
    shape = (1, probe.side, probe.side)
    maker = JobMaker(space, "thin", num_classes=10, image_shape=shape, seeds=[probe.network])
    batch = min(1000, probe.samples)
    inputs = torch.cat(
        region_inputs(shape, samples=probe.samples, batch_size=batch, seed=probe.network)
    )
    parts = [
        ops.engine_regions(
            maker.make([space.parse(arch) for arch in archs[first : first + CHUNK]]),
            inputs,
            batch_size=batch,
        )
        for first in range(0, len(archs), CHUNK)
    ]
    return -torch.cat(parts).double().numpy()
