"""Does the ranking at initialisation hold after training? For a handful of architectures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tegnas.data import Batch
from tegnas.data.dataset import Dataset
from tegnas.errors import InputError
from tegnas.scoring import Scores, ScoreSettings
from tegnas.scoring.labels import combined_label
from tegnas.scoring.ranking import kendall_tau
from tegnas.scoring.score import score
from tegnas.spaces import Architecture, Space
from tegnas.train.recipe import Recipe
from tegnas.train.run import train


@dataclass(frozen=True, eq=False)
class RankingCheck:
    """Scores at initialisation beside test accuracies after training.

    ``accuracies``: percentages, one per architecture of ``scores``. ``taus``: Kendall's τ between
    accuracy and each indicator and their rank score, oriented so that 1 is full agreement; nan
    where all values tie.
    """

    scores: Scores
    accuracies: tuple[float, ...]
    taus: dict[str, float]


def check_ranking(
    space: Space,
    archs: Sequence[Architecture],
    dataset: Dataset,
    batch: Batch,
    recipe: Recipe,
    *,
    channels: int | None = None,
    cells: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    settings: ScoreSettings | None = None,
    progress: Callable[[int], None] | None = None,
) -> RankingCheck:
    """Train each architecture by ``recipe``, score each at initialisation, and compare.

    A short training and few architectures make a rough check: with 8 architectures the standard
    error of τ is about 0.3 even without any relation.

    Args:
        progress: called with the number of architectures trained so far.

    Raises:
        InputError: fewer than two architectures, or as ``train`` and ``score``.
    """
    if len(archs) < 2:
        raise InputError(f"a ranking needs at least 2 architectures, got {len(archs)}")
    scores = score(archs, batch, space=space, settings=settings)
    accuracies = []
    for done, arch in enumerate(archs, start=1):
        trained = train(
            space, arch, dataset, recipe, channels=channels, cells=cells, seed=seed, device=device
        )
        accuracies.append(trained.test_accuracy)
        if progress is not None:
            progress(done)
    indicators = scores.settings.indicators
    columns = {each.label: -each.cost(scores[each.name]) for each in indicators}
    columns[combined_label(indicators)] = -scores.rank_score()
    taus = {
        name: kendall_tau(values.numpy(), np.array(accuracies)) for name, values in columns.items()
    }
    return RankingCheck(scores, tuple(accuracies), taus)
