"""A model of accuracy given T, E, G and structure: Bayesian linear regression of scikit-learn."""

from __future__ import annotations

import numpy as np

from tegnas.refine.pool import Features

_DRAWS = 2000
_TOLD = 6


class AccuracyModel:
    """Accuracy as a linear function of the features, with weights that are normally distributed.

    How strongly weights are shrunk and how much trainings of equal architectures differ is learned
    from the trainings themselves (MacKay's evidence, ``sklearn.linear_model.BayesianRidge``).

    Args:
        features: of all architectures of the pool.
        trained: indices of those that were trained, (n,).
        accuracy: theirs in percent, float64 (n,).
    """

    def __init__(self, features: Features, trained: list[int], accuracy: np.ndarray) -> None:
        from sklearn.linear_model import BayesianRidge  # slow to import

        self._names, self._emphasis = features.names, features.emphasis
        self._trained = trained
        # Around the mean of what was trained; else the spread would count the distance from 0.
        self._x = (features.values - features.values[trained].mean(0)) * features.emphasis
        self._model = BayesianRidge().fit(self._x[trained], accuracy)
        self.mean = self._model.predict(self._x)
        variance = np.einsum("ij,jk,ik->i", self._x, self._model.sigma_, self._x)
        self.spread = np.sqrt(np.maximum(variance, 0.0))

    @property
    def noise(self) -> float:
        """Standard deviation of what the features don't tell of one training, in percent."""
        return float(1 / np.sqrt(self._model.alpha_))

    def promise(self, candidates: list[int]) -> np.ndarray:
        """What one training of each candidate may well reach: a standard deviation above its mean.

        (Upper confidence bound, Cox and John, 1992.) By it the next candidate is chosen; on the
        tables of ``docs/studies/top.md`` it finds better ones than the expected improvement.
        """
        return self.mean[candidates] + np.hypot(self.spread[candidates], self.noise)

    def gain(self, candidates: list[int]) -> np.ndarray:
        """Expected improvement of each candidate over the best trained one, in percent.

        The improvement over what the model makes of the best, not over its accuracy, part of which
        is luck (Jones et al., Journal of Global Optimization 13, 1998, with Gramacy and Lee's
        plug-in for noise).
        """
        from scipy.special import ndtr  # slow to import

        better = self.mean[candidates] - self.mean[self._trained].max()
        spread = np.sqrt(self.spread[candidates] ** 2 + self.noise**2)
        z = better / spread
        return better * ndtr(z) + spread * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    def sureness(self, best: int, candidates: list[int], seed: int) -> float:
        """Probability that no candidate is better than the best, by joint draws of the weights."""
        rng = np.random.default_rng(seed)
        weights = rng.multivariate_normal(
            self._model.coef_, self._model.sigma_, size=_DRAWS, method="eigh"
        )
        drawn = weights @ (self._x[candidates] - self._x[best]).T
        return float(np.mean(drawn.max(axis=1, initial=-np.inf) <= 0))

    def learned(self) -> tuple[tuple[str, float], ...]:
        """The features that matter most, with their weights: percent for one more of each.

        Of the ranks one more is a standard deviation; of an operation it is having it.
        """
        weights = self._model.coef_ * self._emphasis
        order = np.argsort(-np.abs(weights), kind="stable")[:_TOLD]
        return tuple((self._names[index], float(weights[index])) for index in order)
