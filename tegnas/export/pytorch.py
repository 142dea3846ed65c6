"""An architecture as a PyTorch file that stands alone."""

from __future__ import annotations

from functools import partial

from tegnas._version import __version__
from tegnas.export.own_space import own_space_source
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

    Of a space from a file, ``Network`` is a function at the end of a copy of that file, which needs
    tegnas as well.

    Args:
        space, arch: the architecture, or name and text of them.
        channels, cells, num_classes: see ``tegnas.networks.full.full_network``.

    Raises:
        InputError: the space neither writes PyTorch source nor is from a file, or a size is out of
            range.
    """
    space = as_space(space)
    write = space.pytorch_source if isinstance(space, ExportedSpace) else None
    return (write or partial(own_space_source, space))(
        as_architecture(space, arch),
        channels=channels,
        cells=cells,
        num_classes=num_classes,
        version=__version__,
    )
