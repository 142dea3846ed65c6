"""Region counts of thin networks, kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

import tegnas
from bench.ranking.halves import Half
from tegnas import ops
from tegnas.engine.program import ParameterLayout
from tegnas.networks.initialise import initial_vector
from tegnas.networks.nasbench201_program import thin_program
from tegnas.regions.count import region_inputs


@dataclass(frozen=True)
class RegionProbe:
    """Inputs of 1×side×side, standard normal, in batches of at most 1,000.

    Attributes:
        side: height and width of an input.
        samples: how many inputs.
        network: seed of the weights and of the inputs.
        cells: of the thin network.
    """

    side: int = 3
    samples: int = 3000
    network: int = 0
    cells: int = 1

    def key(self) -> str:
        """A short text that is another for every probe."""
        text = json.dumps({"regions": asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def count_regions(half: Half, probe: RegionProbe, directory: Path) -> np.ndarray:
    """Minus the number of linear regions, (A,): lower is better."""
    path = directory / half.name / f"regions-{probe.key()}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = count(half.archs, probe)
        with path.with_suffix(".partial").open("wb") as file:
            np.save(file, counts)
        path.with_suffix(".partial").rename(path)
    return np.load(path)


def count(archs: Sequence[str], probe: RegionProbe) -> np.ndarray:
    """The same without the disk."""
    space = tegnas.get_space("nas-bench-201")
    shape = (1, probe.side, probe.side)
    layout = ParameterLayout()
    codes = [
        thin_program(space.parse(arch).operations, 10, shape, layout, probe.cells) for arch in archs
    ]
    weights = initial_vector(layout, probe.network)
    batch = min(1000, probe.samples)
    inputs = torch.cat(
        region_inputs(shape, samples=probe.samples, batch_size=batch, seed=probe.network)
    )
    counts = ops.engine_regions(
        ops.EngineJobs(
            [code.encode(layout.size) for code in codes],
            torch.arange(len(codes)),
            weights,
            torch.zeros(len(codes), dtype=torch.int64),
        ),
        inputs,
        batch_size=batch,
    )
    return -counts.double().numpy()
