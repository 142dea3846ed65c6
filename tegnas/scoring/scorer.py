"""Chooses the engine that scores architectures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tegnas.data import Batch
from tegnas.engine.lowering import CannotLower
from tegnas.kernel.messages import warn_engine
from tegnas.scoring.native_scorer import NativeScorer
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.torch_scorer import TorchScorer
from tegnas.spaces import Architecture, Space


class Scorer:
    """Scores architectures of one space on one batch by the engine of the settings.

    A network that the native engine can't run is scored by PyTorch modules, with a warning that
    says why; the numbers are the same to rounding. Which engine an architecture takes depends on
    nothing but itself, so that a search stopped and resumed sees the same bits. Both engines
    compute on the device of the batch.

    Attributes:
        chunk: how many architectures to score at once.
    """

    def __init__(self, space: Space, batch: Batch, settings: ScoreSettings) -> None:
        if settings.image_size is not None:
            batch = batch.shrunk(settings.image_size)
        self._torch = TorchScorer(space, batch, settings)
        self._native = NativeScorer(space, batch, settings)
        self._use_native = settings.engine == "native"
        self.chunk = self._native.chunk if self._use_native else self._torch.chunk

    def __call__(self, archs: Sequence[Architecture]) -> Tensor:
        """κ, R and MSE of every repeat: float64 (A, repeats, 3), on the CPU."""
        if not self._use_native:
            return self._torch(archs)
        try:
            return self._native(archs)
        except CannotLower as reason:
            self.chunk = self._torch.chunk
            if len(archs) > 1:
                return torch.cat([self([arch]) for arch in archs])
            warn_engine(reason, stacklevel=3)
            return self._torch(archs)
