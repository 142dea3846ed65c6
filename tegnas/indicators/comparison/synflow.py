"""SynFlow (Tanaka et al., NeurIPS 2020), summed over the network."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.layers import check_weights, weights_used
from tegnas.indicators.comparison.loss import derived
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.replaced import Replaced


def _first(input: Tensor, *_: object, **__: object) -> Tensor:
    return input


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """log Σ |θ ∂S/∂θ|, S the summed logits for an image of ones. Higher is better.

    Every parameter is replaced by its absolute value, and BatchNorm hands its input on, as in the
    released code of Abdelfattah et al.; the sum is over the weights of convolutions and linear
    layers. In float64: the sum grows exponentially with the depth, which is why its logarithm is
    given. No data, no labels. −inf where nothing flows.

    Raises:
        InputError: no such layer, or no logits.
    """
    values: dict[str, Tensor] = {
        name: each.detach().abs().double().requires_grad_()
        for name, each in network.named_parameters()
    }
    for name, each in network.named_buffers():
        values[name] = each.abs().double() if each.is_floating_point() else each
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64, device=images.device)
    with (
        torch.enable_grad(),
        batch_statistics(network, "coupled"),
        Replaced({F.batch_norm: _first}),
        weights_used(network) as weights,
    ):
        logits = functional_call(network, values, (ones,))
        if not isinstance(logits, Tensor):
            raise InputError(f"the network must give logits, it gave {type(logits).__name__}")
        check_weights(network, weights)
        flows = derived(logits.sum(), weights)
    total = sum(float((w.detach() * f).abs().sum()) for w, f in zip(weights, flows, strict=True))
    return -math.inf if total == 0 else math.log(total)


SYNFLOW = Indicator(
    name="synflow",
    symbol="log SynFlow",
    title="log of the sum of synaptic flow θ ∂S/∂θ",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=synflow,
    citation="Tanaka et al., arXiv 2006.05467, eq. 2; Abdelfattah et al., arXiv 2101.08134, eq. 1",
)
