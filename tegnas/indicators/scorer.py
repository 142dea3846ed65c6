"""Chooses the engine that scores architectures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from torch import Tensor

from tegnas.data import Batch
from tegnas.indicators.native_scorer import NativeScorer
from tegnas.indicators.settings import ScoreSettings
from tegnas.indicators.torch_scorer import TorchScorer
from tegnas.networks.lowering import CannotLower
from tegnas.spaces import Architecture, Space


class EngineWarning(UserWarning):
    """Networks took the way of PyTorch modules because the native engine can't run them."""


class Scorer:
    """Scores architectures of one space on one batch by the engine of the settings.

    A network that the native engine can't run is scored by PyTorch modules, with a warning that
    says why; the numbers are the same to rounding.
    """

    def __init__(self, space: Space, batch: Batch, settings: ScoreSettings) -> None:
        self._make_torch_scorer = lambda: TorchScorer(space, batch, settings)
        self._engine: NativeScorer | TorchScorer = (
            NativeScorer(space, batch, settings)
            if settings.engine == "native"
            else self._make_torch_scorer()
        )

    @property
    def chunk(self) -> int:
        """How many architectures to score at once."""
        return self._engine.chunk

    def __call__(self, archs: Sequence[Architecture]) -> Tensor:
        """κ, R and MSE of every repeat: float64 (A, repeats, 3)."""
        try:
            return self._engine(archs)
        except CannotLower as reason:
            warnings.warn(
                f"the native engine can't run these networks ({reason}): scored by PyTorch "
                "modules, which is slower",
                EngineWarning,
                stacklevel=3,
            )
            self._engine = self._make_torch_scorer()
            return self._engine(archs)
