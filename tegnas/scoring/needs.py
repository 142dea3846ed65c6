"""What the indicators of some settings need of the small networks: each thing once for all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tegnas.indicators.base import Indicator
from tegnas.indicators.sources import ALL, Distances, Kernel, Patterns
from tegnas.scoring.settings import ScoreSettings


@dataclass(frozen=True)
class SmallNetworkNeeds:
    """The indicators of small networks, by what they are computed from.

    Attributes:
        of_kernels: those of the kernels.
        of_patterns: those of the activation patterns over random inputs.
        of_distances: those of the distances between the images' activation patterns.
        all_weights: whether a kernel of all weights is among what they need.
        validation: whether the kernel between validation and training images is.
    """

    of_kernels: tuple[Indicator, ...]
    of_patterns: tuple[Indicator, ...]
    of_distances: tuple[Indicator, ...]
    all_weights: bool
    validation: bool

    @classmethod
    def of(cls, settings: ScoreSettings) -> SmallNetworkNeeds:
        """The needs of the indicators of some settings."""
        sources = [each.source for each in settings.indicators]
        return cls(
            tuple(each for each in settings.indicators if isinstance(each.source, Kernel)),
            tuple(each for each in settings.indicators if isinstance(each.source, Patterns)),
            tuple(each for each in settings.indicators if isinstance(each.source, Distances)),
            any(isinstance(each, Kernel) and each.weights == ALL for each in sources),
            any(isinstance(each, Kernel) and each.validation for each in sources),
        )

    @property
    def networks(self) -> bool:
        """Whether small networks are needed at all."""
        return bool(self.of_images or self.of_patterns)

    @property
    def of_images(self) -> tuple[Indicator, ...]:
        """Those for which small networks see the images."""
        return (*self.of_kernels, *self.of_distances)

    def kernels_only(self, settings: ScoreSettings) -> ScoreSettings:
        """The same settings with the indicators of the kernels alone."""
        return replace(settings, indicators=self.of_kernels)

    @staticmethod
    def failing_as_worst(indicator: Indicator, values: Tensor) -> Tensor:
        """Values in which NaN and the infinite end on the wrong side are failures too."""
        failed = ~torch.isfinite(values)
        return torch.where(failed, torch.tensor(indicator.worst, dtype=values.dtype), values)
