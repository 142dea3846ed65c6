"""An architecture as a PyTorch file that stands alone."""

from __future__ import annotations

from tegnas._version import __version__
from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space, as_architecture, as_space
from tegnas.spaces.base import ExportedSpace


def pytorch_source(
    space: Space | str,
    arch: Architecture | str,
    *,
    channels: int | None = None,
    cells: int | None = None,
    num_classes: int = 10,
) -> str:
    """Source of a Python module with a class ``Network``, which needs PyTorch and nothing else.

    ``Network()`` has the parameter names of the network that ``tegnas train`` trains, so its
    ``load_state_dict`` takes the weights of that network, and it computes the same outputs.

    Args:
        space, arch: the architecture, or name and text of them.
        channels, cells, num_classes: see ``tegnas.networks.full.full_network``.

    Raises:
        InputError: the space has no writer of PyTorch source, or a size is out of range.
    """
    space = as_space(space)
    if not isinstance(space, ExportedSpace):
        raise InputError(
            f"{space.name} can't be exported as PyTorch source: the space has no method "
            "pytorch_source; --format json keeps the architecture, from which the space makes the "
            "network"
        )
    return space.pytorch_source(
        as_architecture(space, arch),
        channels=channels,
        cells=cells,
        num_classes=num_classes,
        version=__version__,
    )
