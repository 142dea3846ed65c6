"""What any proxy has to beat: parameters, FLOPs and the number of convolutions."""

from __future__ import annotations

import numpy as np

from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.spaces import Architecture, NasBench201Architecture, Space
from tegnas.spaces.sizes import nasbench201_size

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
    if isinstance(arch, NasBench201Architecture):
        return nasbench201_size(arch)
    network = space.network(arch, "full")
    return count_parameters(network), count_flops(network, _IMAGE)
