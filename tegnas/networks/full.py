"""The full network of an architecture, for training and export, also at a smaller size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from tegnas.errors import InputError

if TYPE_CHECKING:
    from tegnas.spaces import Space


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
    make = getattr(space, "full_network", None)
    if make is not None:
        return make(
            arch,
            channels=channels,
            cells=cells,
            num_classes=num_classes,
            auxiliary=auxiliary,
            seed=seed,
        )
    if channels is None and cells is None:
        return space.network(arch, "full", num_classes=num_classes, seed=seed)
    raise InputError(f"networks of {space.name} have one size; leave channels and cells out")


def check_size(**sizes: int | None) -> None:
    """``InputError`` if one of the sizes is below 1; None stands for the space's own."""
    for name, value in sizes.items():
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
