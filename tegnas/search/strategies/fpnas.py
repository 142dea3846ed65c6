"""Probabilistic search with adaptive sampling (FP-NAS), guided by ranks."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from tegnas.errors import InputError
from tegnas.search.evaluation import Evaluation, rank_scores
from tegnas.search.strategies.drawing import draw_admitted, is_admitted, require_choices
from tegnas.search.strategies.policy import FactorisedPolicy
from tegnas.spaces import Architecture, Space


class FPNas:
    """A distribution over architectures, moved towards its better samples.

    Each step draws K architectures and climbs Σ ω_k ∇ log p(A_k), the importance-weighted update of
    PARSEC (Casale et al. 2019, arXiv 1902.05116). K = ``samples_per_nat`` times the entropy of the
    distribution, at least 2, so that many are drawn at first and few near the end: FP-NAS (Yan et
    al., CVPR 2021, arXiv 2011.10949). Where PARSEC takes the likelihood of a trained network, the
    weights are ω = softmax(u / ``temperature``) with u the share of the history that an
    architecture outranks by all indicators (TEG-NAS, arXiv 2108.11939, uses FP-NAS with its
    indicators and publishes neither code nor settings of it; these defaults are ours).

    The last evaluation of the budget goes to the mode of the distribution; what the search answers
    is the best it has seen, and ``recommendation`` is the mode.
    """

    name = "fpnas"
    default_budget = 1000

    def __init__(
        self,
        space: Space,
        seed: int,
        *,
        learning_rate: float = 0.1,
        samples_per_nat: float = 0.5,
        temperature: float = 0.1,
    ) -> None:
        self._space = require_choices(space, self.name)
        if not (learning_rate > 0 and samples_per_nat > 0 and temperature > 0):
            raise InputError(
                "fpnas needs a positive learning_rate, samples_per_nat and temperature, got "
                f"{learning_rate}, {samples_per_nat}, {temperature}"
            )
        self._rng = random.Random(seed)
        self._options = {
            "learning_rate": learning_rate,
            "samples_per_nat": samples_per_nat,
            "temperature": temperature,
        }
        self._policy = FactorisedPolicy(
            [len(choice.options) for choice in self._space.choices()], learning_rate
        )
        self._history: dict[Architecture, Evaluation] = {}

    def options(self) -> dict[str, object]:
        """Learning rate, samples per nat of entropy, temperature of the weights."""
        return dict(self._options)

    def ask(self, limit: int) -> list[Architecture]:
        """Samples of the distribution; its mode as the last of the budget."""
        if limit == 1:
            return [self.recommendation()]
        count = max(2, round(self._options["samples_per_nat"] * self._policy.entropy()))
        return [
            draw_admitted(self._space, lambda: self._space.decode(self._policy.sample(self._rng)))
            for _ in range(min(count, limit - 1))
        ]

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """One importance-weighted step."""
        self._history.update((each.arch, each) for each in evaluations)
        ranks = dict(zip(self._history, rank_scores(list(self._history.values())), strict=True))
        outranked = [
            float(np.mean([ranks[each.arch] < other for other in ranks.values()]))
            for each in evaluations
        ]
        weights = softmax(np.array(outranked) / self._options["temperature"])
        self._policy.ascend(
            [self._space.encode(each.arch) for each in evaluations], weights.tolist()
        )

    def recommendation(self) -> Architecture:
        """The mode of the distribution, or a sample where the constraints don't admit the mode."""
        mode = self._space.decode(self._policy.mode())
        if is_admitted(self._space, mode):
            return mode
        return draw_admitted(
            self._space, lambda: self._space.decode(self._policy.sample(self._rng))
        )
