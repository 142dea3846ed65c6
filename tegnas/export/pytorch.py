"""An architecture as a PyTorch file that stands alone."""

from __future__ import annotations

from collections.abc import Callable

from tegnas._version import __version__
from tegnas.errors import InputError
from tegnas.export.darts import darts_source
from tegnas.export.nasbench201 import nasbench201_source
from tegnas.spaces import Architecture, Space

_WRITERS: dict[str, Callable[..., str]] = {
    "nas-bench-201": nasbench201_source,
    "darts": darts_source,
}


def pytorch_source(
    space: Space,
    arch: Architecture,
    *,
    channels: int | None = None,
    cells: int | None = None,
    num_classes: int = 10,
) -> str:
    """Source of a Python module with a class ``Network``, which needs PyTorch and nothing else.

    ``Network()`` has the parameter names of the network that ``tegnas train`` trains, so its
    ``load_state_dict`` takes the weights of that network, and it computes the same outputs.

    Args:
        channels, cells, num_classes: see ``tegnas.networks.full.full_network``.

    Raises:
        InputError: the space has no writer of PyTorch source, or a size is out of range.
    """
    writer = _WRITERS.get(space.name)
    if writer is None:
        raise InputError(
            f"{space.name} can't be exported as PyTorch source; spaces that can: "
            f"{', '.join(_WRITERS)}"
        )
    return writer(
        arch, channels=channels, cells=cells, num_classes=num_classes, version=__version__
    )
