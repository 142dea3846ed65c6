"""A factorised categorical distribution over the architectures of a space."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from scipy.special import entr, softmax


class FactorisedPolicy:
    """One independent categorical distribution per choice, uniform at first, updated by Adam.

    The gradient of log p(sample) by the logits is (one-hot of the sample − probabilities), so that
    a step is a few operations on one small float64 table.
    """

    def __init__(self, sizes: Sequence[int], learning_rate: float) -> None:
        self._sizes = tuple(sizes)
        options = np.arange(max(self._sizes))
        # Shorter choices are padded with options of probability zero.
        self._logits = np.where(options < np.array(self._sizes)[:, None], 0.0, -np.inf)
        self._adam = Adam(self._logits.shape, learning_rate)

    def probabilities(self) -> np.ndarray:
        """Probability of every option (column) of every choice (row)."""
        return softmax(self._logits, axis=1)

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        """Indices of the options of one architecture."""
        return tuple(
            rng.choices(range(size), weights[:size])[0]
            for weights, size in zip(self.probabilities().tolist(), self._sizes, strict=True)
        )

    def mode(self) -> tuple[int, ...]:
        """The most probable option of every choice; the first of equals."""
        return tuple(self.probabilities().argmax(1).tolist())

    def entropy(self) -> float:
        """Entropy of the distribution over architectures, in nats."""
        return float(entr(self.probabilities()).sum())

    def ascend(self, samples: Sequence[tuple[int, ...]], weights: Sequence[float]) -> None:
        """One Adam step up the gradient of Σ weight · log p(sample)."""
        gradient = -sum(weights) * self.probabilities()
        rows = np.arange(len(self._sizes))
        for sample, weight in zip(samples, weights, strict=True):
            gradient[rows, list(sample)] += weight
        self._logits += self._adam.step(gradient)


class Adam:
    """Adam (Kingma & Ba, ICLR 2015, arXiv 1412.6980) for one table, upwards."""

    def __init__(
        self,
        shape: tuple[int, ...],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self._learning_rate = learning_rate
        self._betas = betas
        self._epsilon = epsilon
        self._mean = np.zeros(shape)
        self._square = np.zeros(shape)
        self._steps = 0

    def step(self, gradient: np.ndarray) -> np.ndarray:
        """What to add to the parameters."""
        self._steps += 1
        first, second = self._betas
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient**2
        mean = self._mean / (1 - first**self._steps)
        square = self._square / (1 - second**self._steps)
        return self._learning_rate * mean / (np.sqrt(square) + self._epsilon)
