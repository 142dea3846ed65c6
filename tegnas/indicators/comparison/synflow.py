"""SynFlow (Tanaka et al., NeurIPS 2020), summed over the network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.weights import layer_weights
from tegnas.indicators.sources import Network


class _WithoutBatchNorm(TorchFunctionMode):
    """BatchNorm hands its input on, as in the released code of Abdelfattah et al."""

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        if func is F.batch_norm:
            return args[0] if args else (kwargs or {})["input"]
        return func(*args, **(kwargs or {}))


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ θ ∂S/∂θ over |θ|, S the summed logits for an image of ones; no data, no BatchNorm.

    In float64; −inf where nothing flows.
    """
    linear = copy.deepcopy(network).double().eval()
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.abs_()
    weights = layer_weights(linear)
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64, device=images.device)
    with torch.enable_grad(), _WithoutBatchNorm():
        gradients = torch.autograd.grad(linear(ones).sum(), weights, allow_unused=True)
    total = sum(
        float((weight.detach() * gradient).abs().sum())
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    )
    return math.log(total) if total > 0 else -math.inf


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
