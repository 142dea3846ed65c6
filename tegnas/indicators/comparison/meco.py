"""MeCo (Jiang et al., NeurIPS 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.layers import outputs_seen
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics

# The released code looks at networks for CIFAR and ImageNet alike on one image of this size.
_SIDE = 64


def meco(network: nn.Module, images: Tensor, labels: Tensor, *, seed: int = 0) -> float:
    """Σ over feature maps of the least eigenvalue of the correlations of their channels.

    For one image of Gaussian noise, 64×64 whatever the size of the images, as in the released code.
    Also as there, every module that gives a feature map counts, a cell as much as the layers in it.
    A channel that is constant is correlated with nothing, itself included. Higher is better.

    Raises:
        InputError: no feature map, or a network that can't take images of 64×64.
    """
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, images.shape[1], _SIDE, _SIDE, generator=generator).to(images)
    least: list[float] = []

    def see(module: nn.Module, output: Tensor) -> None:
        if output.dim() == 4:
            least.append(_least_eigenvalue(output[0].flatten(1).double()))

    with torch.no_grad(), batch_statistics(network, "frozen"), outputs_seen(network, see):
        try:
            network(image)
        except (RuntimeError, ValueError) as reason:
            raise InputError(
                f"MeCo is defined by an image of {_SIDE}×{_SIDE}, which {type(network).__name__} "
                f"can't take ({reason})"
            ) from reason
    if not least:
        raise InputError(f"{type(network).__name__} has no feature map, which MeCo looks at")
    return sum(least)


def _least_eigenvalue(channels: Tensor) -> float:
    if not bool(channels.isfinite().all()):
        return float("nan")
    if channels.shape[1] == 1:  # every channel is constant
        return 0.0
    correlations = torch.atleast_2d(torch.corrcoef(channels)).nan_to_num(0.0)
    return float(torch.linalg.eigvalsh(correlations)[0])


MECO = Indicator(
    name="meco",
    symbol="MeCo",
    title="least eigenvalues of the correlations between channels",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=meco,
    citation="Jiang et al., NeurIPS 2023, eq. 5",
)
