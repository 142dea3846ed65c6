"""Size of the full network of an architecture: one count, wherever it is asked for."""

from __future__ import annotations

import torch

from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.spaces.base import Architecture, MeasuredSpace, Space
from tegnas.spaces.factorised import Supernet


def full_parameters(space: Space, arch: Architecture, num_classes: int = 10) -> float | None:
    """Parameters of the full network in use; None for a supernet, which has none.

    An auxiliary classifier, which is thrown away after training, isn't counted.
    """
    if isinstance(arch, Supernet):
        return None
    if isinstance(space, MeasuredSpace):
        return float(space.parameters(arch, num_classes))
    with torch.device("meta"):  # shapes and no numbers: nothing is drawn or computed
        network = space.network(arch, "full", num_classes=num_classes)
    auxiliary = getattr(network, "auxiliary", None)
    extra = 0 if auxiliary is None else count_parameters(auxiliary)
    return float(count_parameters(network) - extra)


def full_flops(
    space: Space,
    arch: Architecture,
    num_classes: int = 10,
    image_shape: tuple[int, ...] = (3, 32, 32),
    image_dtype: torch.dtype = torch.float32,
) -> float | None:
    """Operations of the full network for one image, see ``count_flops``; None for a supernet."""
    if isinstance(arch, Supernet):
        return None
    if isinstance(space, MeasuredSpace):
        channels, height, width = image_shape
        return float(space.flops(arch, num_classes, (channels, height, width)))
    with torch.device("meta"):
        network = space.network(arch, "full", num_classes=num_classes)
    return float(count_flops(network, image_shape, image_dtype))
