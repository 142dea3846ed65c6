"""The full network of an architecture, for training and export, also at a smaller size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from tegnas.errors import InputError
from tegnas.networks.darts_evaluation import DartsNetwork
from tegnas.networks.initialise import initialised
from tegnas.networks.nasbench201 import NasBench201Network

if TYPE_CHECKING:
    from tegnas.spaces import Space

# Channels and cells of the networks that were published; NAS-Bench-201 counts cells per stage,
# DARTS all of them.
NASBENCH201_SIZE = (16, 5)
DARTS_SIZE = (36, 20)


def full_network(
    space: Space,
    arch: Any,
    *,
    channels: int | None = None,
    cells: int | None = None,
    num_classes: int = 10,
    auxiliary: bool = True,
    seed: int = 0,
) -> nn.Module:
    """``space.network(arch, "full")``, or the same with other numbers of channels and cells.

    Args:
        channels: of the first stage; by default the space's own (NAS-Bench-201: 16, DARTS: 36).
        cells: the space's own by default (NAS-Bench-201: 5 per stage, DARTS: 20 in all).
        auxiliary: whether a DARTS network gets its auxiliary classifier (for images of 32×32).

    Raises:
        InputError: a size below 1, or a size for a space whose networks have one size only.
    """
    check_size(channels=channels, cells=cells, num_classes=num_classes)
    sizes: dict[str, Any] = {}
    if space.name == "nas-bench-201":
        make: Any = NasBench201Network
        own_channels, own_cells = NASBENCH201_SIZE
        size = (channels or own_channels, cells or own_cells)
        arguments: tuple[Any, ...] = (arch.operations, *size, num_classes)
    elif space.name == "darts":
        make = DartsNetwork
        own_channels, own_cells = DARTS_SIZE
        arguments = arch.nodes
        sizes = {
            "channels": channels or own_channels,
            "layers": cells or own_cells,
            "num_classes": num_classes,
            "auxiliary": auxiliary,
        }
    elif channels is None and cells is None:
        return space.network(arch, "full", num_classes=num_classes, seed=seed)
    else:
        raise InputError(f"networks of {space.name} have one size; leave channels and cells out")
    return initialised(lambda: make(*arguments, **sizes), seed)


def check_size(**sizes: int | None) -> None:
    """``InputError`` if one of the sizes is below 1; None stands for the space's own."""
    for name, value in sizes.items():
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
