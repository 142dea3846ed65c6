"""The scores of many architectures as arrays: what every analysis starts from."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tegnas.errors import InputError
from tegnas.scoring import Scores
from tegnas.scoring.average import MEAN, averaged
from tegnas.scoring.ranking import RANK_SUM, rank_sum
from tegnas.search.run_directory import CONFIGURATION, SCORES
from tegnas.spaces import Architecture, Space, get_space
from tegnas.spaces.factorised import Supernet
from tegnas.spaces.sizes import parameter_counts


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """κ, R and MSE of A architectures, averaged over the repeats.

    Attributes:
        space: the space of the architectures.
        archs: the architectures, each once.
        kappa, regions, mse: float64 (A,); κ and MSE are inf for architectures that fail.
        parameters: of the full networks, float64 (A,), where they take part in the ranking.
        combination: how the ranking combines the indicators, as in ``ScoreSettings``.
    """

    space: Space
    archs: tuple[Architecture, ...]
    kappa: np.ndarray
    regions: np.ndarray
    mse: np.ndarray
    parameters: np.ndarray | None = None
    combination: str = RANK_SUM

    def __len__(self) -> int:
        return len(self.archs)

    @property
    def rank_sum(self) -> np.ndarray:
        """Sum of ranks, or of their logarithms, within this table, (A,); lower is better."""
        return rank_sum(self.kappa, self.regions, self.mse, self.parameters, self.combination)

    @classmethod
    def of(cls, space: Space, scores: Scores) -> ScoreTable:
        """The averages of some scores."""
        parameters = None if scores.parameters is None else scores.parameters.numpy()
        return cls(
            space,
            tuple(scores.archs),
            scores.kappa.numpy(),
            scores.regions.numpy(),
            scores.mse.numpy(),
            parameters,
            scores.combination,
        )

    def select(self, indices: np.ndarray) -> ScoreTable:
        """The rows of the given indices."""
        archs = tuple(self.archs[index] for index in indices)
        return ScoreTable(
            self.space,
            archs,
            self.kappa[indices],
            self.regions[indices],
            self.mse[indices],
            None if self.parameters is None else self.parameters[indices],
            self.combination,
        )


def read_scores(run: str | Path) -> ScoreTable:
    """All scores of a run directory, in the order of the architectures' strings.

    Raises:
        InputError: there is no store of scores, it can't be read, or it holds scores of several
            configurations, which can't be compared.
    """
    path = Path(run) / SCORES
    if not path.is_file():
        raise InputError(f"{run} holds no {SCORES}; give a run directory of tegnas search")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            keys = connection.execute(
                "SELECT DISTINCT space, settings, data FROM scores"
            ).fetchall()
            rows = connection.execute(
                "SELECT architecture, kappa, regions, mse FROM scores ORDER BY architecture, repeat"
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"{path} can't be read as a store of scores ({error})") from None
    if len(keys) != 1:
        what = "no scores" if not keys else f"scores of {len(keys)} configurations"
        raise InputError(f"{path} holds {what}; give a run directory of one tegnas search")
    configuration = _configuration(Path(run))
    # For a space from a file, what ``get_space`` takes isn't the name in the store.
    space = get_space(configuration.get("space", keys[0][0]))
    settings = configuration.get("score", {})
    repeats: dict[str, list[tuple[float, ...]]] = {}
    for name, *numbers in rows:
        repeats.setdefault(name, []).append(tuple(numbers))
    average = settings.get("average", MEAN)
    averages = [
        averaged(torch.tensor(each, dtype=torch.float64).T, average).tolist()
        for each in repeats.values()
    ]
    archs = [space.parse(name) for name in repeats]
    # Pruning also scores supernets, which are no architectures.
    kept = [index for index, arch in enumerate(archs) if not isinstance(arch, Supernet)]
    values = np.array([averages[index] for index in kept], dtype=np.float64).reshape(-1, 3)
    known = tuple(archs[index] for index in kept)
    parameters = parameter_counts(space, known) if settings.get("parameters") else None
    kappa, regions, mse = values.T
    combination = settings.get("combination", RANK_SUM)
    return ScoreTable(space, known, kappa, regions, mse, parameters, combination)


def _configuration(run: Path) -> dict[str, Any]:
    """What the run was made with; nothing where that isn't written, as in a shared store."""
    try:
        content = json.loads((run / CONFIGURATION).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
