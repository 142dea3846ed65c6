"""What is declared as extra: the size of the full network, and nothing that needs its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import tegnas
from tegnas.analysis.baselines import baselines
from tegnas.networks.nasbench201 import EDGES


def extras(archs: Sequence[str]) -> dict[str, np.ndarray]:
    """Costs by name, lower is better: minus parameters, FLOPs, layers with weights, depth."""
    space = tegnas.get_space("nas-bench-201")
    parsed = tuple(space.parse(arch) for arch in archs)
    sizes = baselines(space, parsed)
    return {
        "parameters": -sizes["parameters"],
        "FLOPs": -sizes["FLOPs"],
        "layers with weights": -sizes["convolutions"],
        "depth": -np.array([float(_depth(arch.operations)) for arch in parsed]),
    }


def _depth(operations: Sequence[str]) -> int:
    """Convolutions on the longest path of a cell from input to output."""
    longest: dict[int, float] = {0: 0}
    for node in (1, 2, 3):
        longest[node] = max(
            longest[source] + ("conv" in name) if name != "none" else -np.inf
            for name, (source, target) in zip(operations, EDGES, strict=True)
            if target == node
        )
    return max(0, int(longest[3])) if np.isfinite(longest[3]) else 0
