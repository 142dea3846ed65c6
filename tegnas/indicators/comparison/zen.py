"""Zen-score (Lin et al., ICCV 2021)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.last_map import LastFeatureMap
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.replaced import Replaced

# The paper averages over 32 draws; the mean over these has a spread of about 0.3 % here.
_DRAWS = 4
_IMAGES = 16
_PERTURBATION = 1e-2


def zen(network: nn.Module, images: Tensor, labels: Tensor, *, seed: int = 0) -> float:
    """log E‖f(x) − f(x + αε)‖₁ + Σ log σ̄, the mean over draws of weights and inputs.

    Higher is better. f is the last feature map before the global pooling, x and ε are Gaussian
    noise of the shape of 16 images, α is 0.01, weights of convolutions and linear layers are
    standard normal, norms have no scale or shift and nothing a bias. σ̄² is the mean over channels
    of the variance that a BatchNorm divides by: that of the batch, as in the paper (the released
    code reads a running variance that is still near its start). A BatchNorm that nothing enters
    rescales nothing and adds nothing. −inf where the map doesn't depend on the images.

    Raises:
        InputError: no feature map.
    """
    generator = torch.Generator().manual_seed(seed)

    def gauss(shape: Sequence[int]) -> Tensor:
        return torch.randn(*shape, generator=generator).to(images)

    scores = []
    with torch.no_grad(), batch_statistics(network, "frozen"):
        for _ in range(_DRAWS):
            redrawn = _Redrawn(gauss)
            x = gauss((_IMAGES, *images.shape[1:]))
            moved = x + _PERTURBATION * gauss(x.shape)
            features, scale = redrawn.features(network, x)
            others, _ = redrawn.features(network, moved)
            distance = float((features - others).abs().flatten(1).sum(1).mean())
            scores.append(-math.inf if distance == 0 else math.log(distance) + scale)
    return sum(scores) / _DRAWS


class _Redrawn(Replaced):
    """Layers compute with weights drawn at their first call, BatchNorms note their scale."""

    def __init__(self, gauss: Callable[[Sequence[int]], Tensor]) -> None:
        super().__init__(
            {
                F.conv1d: self._of(F.conv1d),
                F.conv2d: self._of(F.conv2d),
                F.linear: self._of(F.linear),
                F.batch_norm: self._batch_norm,
                F.group_norm: self._group_norm,
            }
        )
        self._gauss = gauss
        self._draws: list[tuple[Tensor, Tensor]] = []  # a weight and what stands for it, by call
        self._call = 0
        self._scales: list[float] = []

    def features(self, network: nn.Module, x: Tensor) -> tuple[Tensor, float]:
        """The last feature map, and Σ log σ̄ over the BatchNorms."""
        self._call = 0
        self._scales.clear()
        with self, LastFeatureMap() as recorder:
            network(x.clone())
        if recorder.found is None:
            raise InputError(
                f"{type(network).__name__} has no feature map, which Zen-score looks at"
            )
        return recorder.found, sum(self._scales)

    def _draw(self, weight: Tensor) -> Tensor:
        if self._call == len(self._draws):
            shared = [drawn for known, drawn in self._draws if known is weight]
            self._draws.append((weight, shared[0] if shared else self._gauss(weight.shape)))
        self._call += 1
        return self._draws[self._call - 1][1]

    def _of(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def replaced(
            input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any
        ) -> Tensor:
            return function(input, self._draw(weight), None, *args, **kwargs)

        return replaced

    # The signatures below are those of the functions that they replace.

    def _batch_norm(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        others = [0, *range(2, input.dim())]
        variance = float(input.var(others, correction=0).mean())
        if variance != 0:
            self._scales.append(0.5 * math.log(variance))
        return F.batch_norm(input, running_mean, running_var, eps=eps)

    def _group_norm(
        self,
        input: Tensor,
        num_groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        return F.group_norm(input, num_groups, eps=eps)


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
