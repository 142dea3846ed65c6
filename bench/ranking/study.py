"""What the study looks at: features of the selection half, by group of probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.ranking.combine import average
from bench.ranking.evaluate import Judge
from bench.ranking.extras import extras
from bench.ranking.features import FeatureCache, Features
from bench.ranking.halves import Half
from bench.ranking.patterns import pattern_features
from bench.ranking.probe import Probe
from bench.ranking.regions import RegionProbe, count_regions
from bench.ranking.statistics import STATISTICS


@dataclass(frozen=True)
class Study:
    """A half of the table with everything that is computed on it.

    Attributes:
        half: of the classes.
        images: the image file.
        cache: directory of the features.
    """

    half: Half
    images: str
    cache: Path

    @cached_property
    def judge(self) -> Judge:
        """Of CIFAR-10 accuracy."""
        return Judge(self.half.accuracy["CIFAR-10"])

    @cached_property
    def extras(self) -> dict[str, np.ndarray]:
        """Declared extras as costs."""
        return extras(self.half.archs)

    def features(self, probe: Probe) -> Features:
        """Features of a probe, computed or from disk."""
        return FeatureCache(self.cache, self.images)(self.half, probe)

    def each(self, probes: Sequence[Probe], statistic: str) -> list[np.ndarray]:
        """The costs by every probe alone."""
        return [STATISTICS[statistic](self.features(probe)) for probe in probes]

    def cost(self, probes: Sequence[Probe], statistic: str) -> np.ndarray:
        """The cost averaged over probes."""
        return average(self.each(probes, statistic))

    def patterns(self, probes: Sequence[Probe], statistic: str) -> list[np.ndarray]:
        """Costs of the activation patterns by every probe alone."""
        return [
            STATISTICS[statistic](pattern_features(self.half, probe, self.cache, self.images))
            for probe in probes
        ]

    def regions(self, networks: int, *, side: int = 3, samples: int = 1000) -> list[np.ndarray]:
        """Minus log R by every network alone."""
        return [
            -np.log(-count_regions(self.half, RegionProbe(side, samples, seed), self.cache))
            for seed in range(networks)
        ]
