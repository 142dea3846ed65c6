"""The second study: a list of candidates, and what a choice from it is worth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.ranking.combine import ranks
from bench.ranking.part_features import part_features
from bench.ranking.probe import Probe
from bench.ranking.regions import RegionProbe, count_regions
from bench.ranking.study import Study
from tegnas.scoring.ranking import kendall_tau

SEEDS: Sequence[int] = (0, 1)
SPLITS, SPLIT_SEED = 100, 0


@dataclass(frozen=True)
class Candidate:
    """A definition of T, E and G, combined by log-rank.

    Attributes:
        size: of the images.
        cells: per stage of the proxy.
        t_part, g_part: the weights whose kernels T and G are of.
        t, g: statistics of those kernels, as ``part_features`` names them.
        side: of the inputs that regions are counted on.
        thin_cells: of the thin network.
        images: N.
    """

    size: int = 16
    cells: int = 1
    t_part: str = "all"
    g_part: str = "all"
    t: str = "harmonic"
    g: str = "noise"
    side: int = 3
    thin_cells: int = 1
    images: int = 64

    def __str__(self) -> str:
        parts = self.t_part if self.t_part == self.g_part else f"T {self.t_part}, G {self.g_part}"
        return (
            f"{self.size}², {self.cells} per stage, {parts}; {self.t}, {self.g}; "
            f"R {self.side}², {self.thin_cells} cells"
        )


# The definition that the first study ended in, and that which this one declares.
FIRST = Candidate()
DECLARED = Candidate(16, 3, "searched", "searched", "harmonic", "noise", 2, 5)

CANDIDATES = tuple(
    Candidate(size, cells, *parts, *statistics, side, thin_cells)
    for size, cells, parts, statistics, (side, thin_cells) in itertools.product(
        (16, 8),
        (1, 2, 3),
        (
            ("all", "all"),
            ("cells", "cells"),
            ("searched", "searched"),
            ("searched", "all"),
            ("all", "searched"),
            ("reductions", "all"),
        ),
        (
            ("harmonic", "noise"),
            ("harmonic", "scaled noise"),
            ("scaled λmin", "noise"),
            ("κ", "noise"),
        ),
        ((3, 1), (3, 3), (2, 1), (2, 3), (2, 5)),
    )
)


class PartCosts:
    """T, E and G of candidates on one half; what candidates share is computed once."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._parts: dict[tuple[Probe, str], dict[str, np.ndarray]] = {}
        self._regions: dict[RegionProbe, np.ndarray] = {}

    def __call__(self, candidate: Candidate, seeds: Sequence[int] = SEEDS) -> list[np.ndarray]:
        """Medians over networks; worst in all three where T or G is infinite."""
        kernels = [
            Probe(size=candidate.size, images=candidate.images, cells=candidate.cells, network=seed)
            for seed in seeds
        ]
        thins = [RegionProbe(candidate.side, 1000, seed, candidate.thin_cells) for seed in seeds]
        t = _median([self._part(each, candidate.t_part)[candidate.t] for each in kernels])
        g = _median([self._part(each, candidate.g_part)[candidate.g] for each in kernels])
        e = _median([self._count(each) for each in thins])
        bad = np.isinf(t) | np.isinf(g)
        return [np.where(bad, np.inf, cost) for cost in (t, e, g)]

    def _part(self, probe: Probe, part: str) -> dict[str, np.ndarray]:
        study = self._study
        if (probe, part) not in self._parts:
            found = part_features(study.half, probe, part, study.cache, study.images)
            self._parts[probe, part] = found
        return self._parts[probe, part]

    def _count(self, probe: RegionProbe) -> np.ndarray:
        if probe not in self._regions:
            self._regions[probe] = count_regions(self._study.half, probe, self._study.cache)
        return self._regions[probe]


def _median(costs: list[np.ndarray]) -> np.ndarray:
    """Infinite where half of the networks are."""
    with np.errstate(invalid="ignore"):
        median = np.median(costs, axis=0)
    return np.where(np.isnan(median), np.inf, median)


@dataclass(frozen=True)
class Splits:
    """What a choice from the list is worth, by random halves of the selection half.

    Attributes:
        gains: τ of the candidate that is best on one part, less that of the first study's
            definition, both on the other part, (splits,).
        chosen: which candidate that was, (splits,).
        taus: τ of every candidate on the whole selection half, (candidates,).
    """

    gains: np.ndarray
    chosen: np.ndarray
    taus: np.ndarray


def splits(table: np.ndarray, first: np.ndarray, accuracy: np.ndarray) -> Splits:
    """Rule 4 of the protocol.

    Args:
        table: costs of the members of every candidate, (candidates, members, A).
        first: the same of the definition of the first study, (members, A).
        accuracy: (A,).
    """
    rng = np.random.default_rng(SPLIT_SEED)
    everyone = np.arange(len(accuracy))
    gains, chosen = [], []
    for _ in range(SPLITS):
        order = rng.permutation(everyone)
        left, right = order[: len(order) // 2], order[len(order) // 2 :]
        best = int(np.argmax(taus(table[..., left], accuracy[left])))
        pair = np.stack([table[best], first])[..., right]
        with_choice, without = taus(pair, accuracy[right])
        gains.append(with_choice - without)
        chosen.append(best)
    return Splits(np.array(gains), np.array(chosen), taus(table, accuracy))


def taus(table: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """τ of the log-ranks, (candidates,); members that candidates share are ranked once."""
    count = table.shape[-1]
    logs: dict[bytes, np.ndarray] = {}
    found = []
    for members in table:
        total = np.zeros(count)
        for cost in members:
            key = cost.tobytes()
            if key not in logs:
                logs[key] = np.log(count + 1 - ranks(cost))
            total += logs[key]
        found.append(kendall_tau(total, accuracy))
    return np.array(found)
