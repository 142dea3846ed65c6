"""The scores of a set of architectures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tegnas.scoring.average import MEAN, averaged
from tegnas.scoring.ranking import RANK_SUM, positions, rank_sum
from tegnas.spaces import Architecture


@dataclass(frozen=True, eq=False)
class Scores:
    """κ, R and MSE of A architectures, with every repeat kept.

    Attributes:
        archs: the architectures, in the order given.
        kappa_repeats, regions_repeats, mse_repeats: float64 (A, repeats).
        parameters: of the full networks, float64 (A,), where they take part in the ranking.
        combination: how the ranking combines the indicators (see ``ScoreSettings``).
        average: over the repeats, ``"mean"`` or ``"median"``.
    """

    archs: tuple[Architecture, ...]
    kappa_repeats: Tensor
    regions_repeats: Tensor
    mse_repeats: Tensor
    parameters: Tensor | None = None
    combination: str = RANK_SUM
    average: str = MEAN

    @classmethod
    def from_table(
        cls,
        archs: Sequence[Architecture],
        table: Tensor,
        parameters: Tensor | None = None,
        combination: str = RANK_SUM,
        average: str = MEAN,
    ) -> Scores:
        """From κ, R and MSE of every repeat, float64 (A, repeats, 3)."""
        kappa, regions, mse = (table[:, :, column].contiguous() for column in range(3))
        return cls(tuple(archs), kappa, regions, mse, parameters, combination, average)

    def __len__(self) -> int:
        return len(self.archs)

    @property
    def kappa(self) -> Tensor:
        """Trainability, (A,) float64: condition number of the NTK; lower is better."""
        return averaged(self.kappa_repeats, self.average)

    @property
    def regions(self) -> Tensor:
        """Expressivity, (A,) float64: number of linear regions; higher is better."""
        return averaged(self.regions_repeats, self.average)

    @property
    def mse(self) -> Tensor:
        """Generalization, (A,) float64: error of the NTK regression; lower is better."""
        return averaged(self.mse_repeats, self.average)

    def rank_sum(self) -> Tensor:
        """Sum of the ranks, or of their logarithms, within this set, (A,); lower is better."""
        means = (self.kappa.numpy(), self.regions.numpy(), self.mse.numpy())
        parameters = None if self.parameters is None else self.parameters.numpy()
        return torch.from_numpy(rank_sum(*means, parameters, self.combination))

    def ranking(self) -> Tensor:
        """Position of each architecture by rank-sum, (A,) int64: 0 is best, ties share."""
        return torch.from_numpy(positions(self.rank_sum().numpy()))
