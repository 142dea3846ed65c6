"""Ways to spend K trainings on scored candidates, for ``bench/refine.py`` to compare.

Each is a function of a candidate set and gives the indices of the candidates that it trains.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from tegnas.scoring.ranking import rank_score, ranks
from tegnas.scoring.settings import ScoreSettings


@dataclass(frozen=True, eq=False)
class Candidates:
    """What can be trained: scores, and what a training gives.

    Attributes:
        values: of the indicators, float64 (A, indicators).
        observed: accuracy that a training gives, float64 (A,).
        settings: of the scores.
    """

    values: np.ndarray
    observed: np.ndarray
    settings: ScoreSettings

    def order(self) -> np.ndarray:
        """Indices, best first by all indicators."""
        columns = list(self.values.T)
        ranked = rank_score(self.settings.indicators, columns, self.settings.combination)
        return np.argsort(ranked, kind="stable")

    def normal_scores(self) -> np.ndarray:
        """Ranks by each indicator as normal scores, more is better, float64 (A, indicators)."""
        indicators = self.settings.indicators
        costs = [each.cost(row) for each, row in zip(indicators, self.values.T, strict=True)]
        return -ndtri((ranks(np.stack(costs)) - 0.5) / len(self.values)).T


Contestant = Callable[[Candidates, int, np.random.Generator], list[int]]


def at_random(candidates: Candidates, count: int, rng: np.random.Generator) -> list[int]:
    """Candidates drawn at random."""
    return rng.permutation(len(candidates.observed))[:count].tolist()


def first_by_score(candidates: Candidates, count: int, rng: np.random.Generator) -> list[int]:
    """The best by all indicators."""
    return candidates.order()[:count].tolist()


def weighting(candidates: Candidates, count: int, rng: np.random.Generator) -> list[int]:
    """Weights of the indicators by Bayesian optimisation, the idea of RoBoT (arXiv 2403.07591).

    A weighting stands for the candidate that it puts first, and is as good as that one's accuracy.
    A Gaussian process over weightings chooses the next one; one whose first candidate is trained
    already costs nothing. As many steps as there are trainings; what is left of these then goes to
    the next candidates in the order of the best weighting.
    """
    scores = candidates.normal_scores()
    trained: list[int] = []
    weights: list[np.ndarray] = []
    found: list[float] = []

    def look(weight: np.ndarray) -> None:
        first = int(np.argmax(scores @ weight))
        if first not in trained:
            trained.append(first)
        weights.append(weight)
        found.append(float(candidates.observed[first]))

    own = np.array([each.weight for each in candidates.settings.indicators])
    look(own / np.linalg.norm(own))
    for _ in range(count - 1):
        drawn = rng.dirichlet(np.ones(len(own)), size=256)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        look(drawn[_most_promising(np.array(weights), np.array(found), drawn)])
    best = weights[int(np.argmax(found))]
    for index in np.argsort(-(scores @ best), kind="stable").tolist():
        if len(trained) >= count:
            break
        if index not in trained:
            trained.append(index)
    return trained


def _most_promising(known: np.ndarray, values: np.ndarray, drawn: np.ndarray) -> int:
    if len(values) < 3 or np.ptp(values) == 0:
        return 0
    kernel = ConstantKernel() * Matern(0.5, (0.05, 5), nu=2.5) + WhiteKernel(0.1, (1e-3, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process = GaussianProcessRegressor(kernel, normalize_y=True).fit(known, values)
    mean, spread = process.predict(drawn, return_std=True)
    spread = np.maximum(spread, 1e-9)
    z = (mean - values.max()) / spread
    gains = spread * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    return int(np.argmax(gains))


CONTESTANTS: dict[str, Contestant] = {
    "random choice": at_random,
    "the first by score": first_by_score,
    "weights of the indicators (as RoBoT)": weighting,
}
