"""Indicators of small networks by the engine of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from tegnas.data import Batch
from tegnas.engine.lowering import CannotLower
from tegnas.kernel.messages import warn_engine
from tegnas.scoring.native_scorer import NativeScorer
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.torch_scorer import TorchScorer
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import NATIVE, engine_for


class SmallNetworkScorer:
    """The native engine, or PyTorch modules for what it can't run.

    A network that the native engine can't run is scored by PyTorch modules, with a warning that
    says why; the numbers are the same to rounding. Which engine an architecture takes depends on
    nothing but itself, so that a search stopped and resumed sees the same bits. The arguments are
    those of ``NativeScorer``.

    Attributes:
        chunk: how many architectures to score at once.
        ahead: how many calls to begin before the results of one are waited for.
    """

    def __init__(
        self, space: Space, batch: Batch, settings: ScoreSettings, seeds: Sequence[int]
    ) -> None:
        self._torch = TorchScorer(space, batch, settings, seeds)
        self._native = (
            NativeScorer(space, batch, settings, seeds)
            if engine_for(space, settings.engine) == NATIVE
            else None
        )
        self.chunk = self._torch.chunk if self._native is None else self._native.chunk
        self.ahead = 0 if self._native is None else self._native.ahead

    def __call__(self, archs: Sequence[Architecture]) -> dict[str, Tensor]:
        """By name of the indicator: float64 (A, networks), on the CPU."""
        return self.begin(archs)()

    def begin(self, archs: Sequence[Architecture]) -> Callable[[], dict[str, Tensor]]:
        """Leaves to a GPU what it can; what is given waits for it, and is what a call gives."""
        if self._native is None:
            return partial(dict, self._torch(archs))
        try:
            return self._native.begin(archs)
        except CannotLower as reason:
            self.chunk = self._torch.chunk
            if len(archs) > 1:
                parts = [self([arch]) for arch in archs]
                names = parts[0]
                return lambda: {name: torch.cat([part[name] for part in parts]) for name in names}
            warn_engine(reason, stacklevel=4)
            return partial(dict, self._torch(archs))
