"""What any proxy has to beat: parameters, FLOPs and the number of convolutions."""

from __future__ import annotations

import numpy as np

from tegnas.spaces import Architecture, Space
from tegnas.spaces.sizes import full_flops, full_parameters


def baselines(space: Space, archs: tuple[Architecture, ...]) -> dict[str, np.ndarray]:
    """Sizes of the full networks, float64 (A,) each; more is taken as better.

    Parameters and FLOPs are those for 10 classes and images of 3×32×32.
    """
    convolutions = np.array([str(arch).count("conv") for arch in archs], dtype=np.float64)
    return {
        "parameters": np.array([full_parameters(space, arch) for arch in archs], np.float64),
        "FLOPs": np.array([full_flops(space, arch) for arch in archs], np.float64),
        "convolutions": convolutions,
    }
