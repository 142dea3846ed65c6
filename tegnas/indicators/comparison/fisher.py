"""Fisher information of channels (Turner et al., ICLR 2020), summed over the network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.outputs import recorded_outputs
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics


def fisher(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ over channels c of convolutions and linear layers of 1/(2N) Σₙ (Σ_hw a g)².

    a is the layer's output and g the gradient of the loss at it.
    """
    with torch.enable_grad(), batch_statistics(network, "coupled"):
        with recorded_outputs(network, _has_channels) as outputs:
            loss = F.cross_entropy(network(images), labels)
        gradients = torch.autograd.grad(loss, outputs, allow_unused=True)
    total = 0.0
    for activation, gradient in zip(outputs, gradients, strict=True):
        if gradient is not None:
            saliency = (activation.detach() * gradient).flatten(2 if gradient.dim() > 2 else 1)
            per_channel = saliency.sum(2) if gradient.dim() > 2 else saliency
            total += float(per_channel.square().mean(0).mul(0.5).sum())
    return total


def _has_channels(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d | nn.Linear)


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
