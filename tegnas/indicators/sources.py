"""What indicators are computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from tegnas.ops import LeaveOneOut, leave_one_out

ALL, SEARCHED = "all", "searched"


@dataclass(frozen=True)
class Kernel:
    """The NTK of small networks on the images.

    Its computation takes ``Kernels`` of several networks and gives one number for each, float64
    (B,). A network without a path from input to output has the worst value without being computed.

    Attributes:
        weights: ``"all"`` or the ``"searched"`` ones (those inside the cells), the weights behind
            the kernel.
        validation: whether the kernel between validation and training images is needed as well.
    """

    weights: str = SEARCHED
    validation: bool = False


@dataclass(frozen=True)
class Patterns:
    """The activation patterns of small networks over random inputs.

    Its computation takes the numbers of distinct patterns, float64 (B,), and gives one number for
    each.
    """


@dataclass(frozen=True)
class Distances:
    """How far apart the activation patterns of small networks are on the images.

    Of the networks that kernels are of; patterns are those that regions are counted by, in which
    what several activations read counts once. Its computation takes the numbers of bits by which
    the patterns of two images differ, float64 (B, N, N), and gives one number for each network,
    float64 (B,). NaN counts as a failure. A network without a path from input to output has the
    worst value without being computed.
    """


@dataclass(frozen=True)
class Network:
    """An untrained network itself, as a PyTorch module.

    Its computation takes ``(network, images, labels)``, the training images (N, C, H, W) as they
    were given and their labels (N,), and gives a number. NaN counts as a failure.

    Attributes:
        kind: of the network, as in ``Space.network``: ``"full"`` is the one that would be trained.
        networks: how many networks are looked at per architecture.
    """

    kind: str = "full"
    networks: int = 1


@dataclass(frozen=True)
class Architecture:
    """The architecture itself.

    Its computation takes ``(arch, space, batch)`` and gives a number; NaN where it isn't defined,
    as the parameters of a supernet.

    Attributes:
        of_network: the same of a module, ``(network, images, labels)``, where that can be said.
    """

    of_network: Callable[..., float] | None = None


Source = Kernel | Patterns | Distances | Network | Architecture


@dataclass(frozen=True, eq=False)
class Kernels:
    """Kernels of B networks, float64, with what belongs to them; what nobody needs is None.

    Attributes:
        searched: (B, N, N), of the searched weights on the training images.
        all: (B, N, N), of all weights.
        cross: (B, M, N), of the searched weights between validation and training images.
        targets, val_targets: centred one-hot labels (N, K) and (M, K).
        ridge: added to the diagonal before a regression.
    """

    searched: Tensor
    all: Tensor | None = None
    cross: Tensor | None = None
    targets: Tensor | None = None
    val_targets: Tensor | None = None
    ridge: float = 0.0

    @cached_property
    def leave_one_out(self) -> LeaveOneOut:
        """Two indicators share one inverse."""
        return leave_one_out(self.searched)
