"""Zen-score (Lin et al., ICCV 2021)."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.outputs import recorded_outputs
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics

# The paper averages over 32 draws; the mean over these has a spread of about 0.3 % here.
_DRAWS = 4
_IMAGES = 16
_PERTURBATION = 1e-2


def zen(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """log E‖f(x) − f(x + αε)‖₁ + Σ log σ̄, the mean over draws of Gaussian weights and inputs.

    f is the last feature map before the global pooling, and σ̄² the mean variance that a BatchNorm
    divides by.
    """
    drawn = copy.deepcopy(network).to(images.device)
    generator = torch.Generator().manual_seed(0)

    def gauss(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(images)

    scores = []
    with torch.no_grad(), batch_statistics(drawn, "frozen"):
        for _ in range(_DRAWS):
            for module in drawn.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.weight.copy_(gauss(*module.weight.shape))
            x = gauss(_IMAGES, *images.shape[1:])
            features, scale = _features(drawn, x)
            moved, _ = _features(drawn, x + _PERTURBATION * gauss(*x.shape))
            distance = (features - moved).abs().flatten(1).sum(1).mean().item()
            scores.append(math.log(distance) + scale if distance > 0 else -math.inf)
    return sum(scores) / _DRAWS


def _features(network: nn.Module, x: Tensor) -> tuple[Tensor, float]:
    """The last feature map, and Σ log σ̄ over what BatchNorms divide by."""
    scales: list[float] = []

    def note(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        variance = args[0].var((0, 2, 3), correction=0) if args[0].dim() == 4 else args[0].var(0)
        scales.append(0.5 * math.log(float(variance.mean()) + 1e-12))

    handles = [
        module.register_forward_pre_hook(note)
        for module in network.modules()
        if isinstance(module, _BatchNorm)
    ]
    try:
        with recorded_outputs(network, lambda module: True) as outputs:
            network(x)
    finally:
        for handle in handles:
            handle.remove()
    maps = [
        each
        for each in outputs
        if isinstance(each, Tensor) and each.dim() == 4 and each.shape[-1] * each.shape[-2] > 1
    ]
    if not maps:
        raise InputError(f"{type(network).__name__} has no feature map, which Zen-score looks at")
    return maps[-1], sum(scales)


ZEN = Indicator(
    name="zen",
    symbol="Zen",
    title="log of the change of the last feature map under a perturbation, rescaled by BatchNorm",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=zen,
    citation="Lin et al., arXiv 2102.01063, algorithm 1",
)
