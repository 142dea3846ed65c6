"""What any proxy has to beat: parameters, FLOPs and the number of convolutions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.spaces import Architecture, NasBench201Architecture, Space, get_space

_IMAGE = (3, 32, 32)


def baselines(space: Space, archs: tuple[Architecture, ...]) -> dict[str, np.ndarray]:
    """Sizes of the full networks, float64 (A,) each; more is taken as better.

    Parameters and FLOPs are those for 10 classes and images of 3×32×32.
    """
    sizes = np.array([_size(space, arch) for arch in archs], dtype=np.float64).reshape(-1, 2)
    convolutions = np.array([str(arch).count("conv") for arch in archs], dtype=np.float64)
    return {
        "parameters": sizes[:, 0],
        "FLOPs": sizes[:, 1],
        "convolutions": convolutions,
    }


def _size(space: Space, arch: Architecture) -> tuple[int, int]:
    if not isinstance(arch, NasBench201Architecture):
        return _measure(space, arch)
    # Every edge adds its share, whatever the others are: four networks tell the sizes of all.
    none, *shares = _nasbench201_shares()
    counts = [arch.operations.count(name) for name, _ in shares]
    terms = [
        tuple(count * each for each in share)
        for count, (_, share) in zip(counts, shares, strict=True)
    ]
    parameters, flops = (sum(column) for column in zip(none[1], *terms, strict=True))
    return parameters, flops


@lru_cache(maxsize=1)
def _nasbench201_shares() -> tuple[tuple[str, tuple[int, int]], ...]:
    space = get_space("nas-bench-201")
    none = _measure(space, NasBench201Architecture(("none",) * 6))
    shares = [("none", none)]
    for name in ("nor_conv_1x1", "nor_conv_3x3"):
        one = _measure(space, NasBench201Architecture((name, *("none",) * 5)))
        shares.append((name, (one[0] - none[0], one[1] - none[1])))
    return tuple(shares)


def _measure(space: Space, arch: Architecture) -> tuple[int, int]:
    network = space.network(arch, "full")
    return count_parameters(network), count_flops(network, _IMAGE)
