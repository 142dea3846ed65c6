"""Fisher information of channels (Turner et al., ICLR 2020), summed over the network."""

from __future__ import annotations

from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.layers import WEIGHTED, check_weights, outputs_seen
from tegnas.indicators.comparison.loss import cross_entropy, derived, differentiable
from tegnas.indicators.sources import Network


def fisher(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ over channels of w · 1/(2N) Σₙ (Σ_hw a g)². Higher is better.

    a is the output of a convolution or linear layer for image n, and g the gradient of the mean
    cross-entropy at it. w is the number of weights behind the channel: the released code of
    Abdelfattah et al. gives every weight the information of its channel before it sums.

    Raises:
        InputError: no such layer, no logits, or labels that aren't among them.
    """
    layers: list[nn.Module] = []
    outputs: list[Tensor] = []

    def see(layer: nn.Module, output: Tensor) -> None:
        if isinstance(layer, WEIGHTED):
            layers.append(layer)
            outputs.append(output)

    with differentiable(network), outputs_seen(network, see):
        loss = cross_entropy(network, images, labels)
        check_weights(network, outputs)
        gradients = derived(loss, outputs)
    total = 0.0
    for layer, output, gradient in zip(layers, outputs, gradients, strict=True):
        by_channel = _by_channel(layer, output.detach() * gradient)
        information = by_channel.square().mean(0).mul(0.5).sum()
        assert isinstance(layer.weight, Tensor)
        total += float(information) * layer.weight[0].numel()
    return total


def _by_channel(layer: nn.Module, values: Tensor) -> Tensor:
    """Sums over everything but images and channels, (N, channels)."""
    channels_second = values.movedim(-1, 1) if isinstance(layer, nn.Linear) else values
    return channels_second.reshape(*channels_second.shape[:2], -1).sum(2)


FISHER = Indicator(
    name="fisher",
    symbol="Fisher",
    title="sum of the Fisher information of the channels",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=fisher,
    citation="Turner et al., arXiv 1906.04113, eq. 2; Abdelfattah et al., arXiv 2101.08134, eq. 2",
    log_scale=True,
)
