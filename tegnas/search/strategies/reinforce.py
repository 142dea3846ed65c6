"""REINFORCE with a factorised policy, as in TEG-NAS (arXiv 2108.11939, section 4)."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from tegnas.errors import InputError
from tegnas.indicators.base import Indicator
from tegnas.search.evaluation import Evaluation
from tegnas.search.strategies.drawing import draw_admitted, require_choices
from tegnas.search.strategies.policy import FactorisedPolicy
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import strategy_default


class Reinforce:
    """One architecture per step; the policy follows the change of the indicators.

    The reward of step t is Σ sign · (v_t − v_{t−1}) / (max − min of the last ``window`` + 1e-6)
    over the indicators, each by its weight, less a baseline, the exponential moving average of
    rewards (corrected for its start at zero). A bad architecture counts as the worst value seen so
    far. The defaults are the paper's: Adam with a learning rate of 0.04 (0.07 on DARTS), momentum
    0.9, window 10, 500 steps. What the search answers is the best of its whole history, not the
    policy's mode.
    """

    name = "reinforce"
    default_budget = 500

    def __init__(
        self,
        space: Space,
        seed: int,
        *,
        learning_rate: float | None = None,
        momentum: float = 0.9,
        window: int = 10,
    ) -> None:
        self._space = require_choices(space, self.name)
        if learning_rate is None:
            learning_rate = strategy_default(space, self.name, "learning_rate", 0.04)
        if not learning_rate > 0 or not 0 <= momentum < 1 or window < 2:
            raise InputError(
                "reinforce needs a positive learning rate, a momentum in [0, 1) and a window of at "
                f"least 2, got {learning_rate}, {momentum}, {window}"
            )
        self._rng = random.Random(seed)
        self._options = {"learning_rate": learning_rate, "momentum": momentum, "window": window}
        self._momentum = momentum
        self._policy = FactorisedPolicy(
            [len(choice.options) for choice in self._space.choices()], learning_rate
        )
        self._rewards = RelativeChange(window)
        self._average = self._average_weight = 0.0

    def options(self) -> dict[str, object]:
        """Learning rate, momentum of the baseline, window of the reward."""
        return dict(self._options)

    def ask(self, limit: int) -> list[Architecture]:
        """One sample of the policy."""
        return [
            draw_admitted(self._space, lambda: self._space.decode(self._policy.sample(self._rng)))
        ]

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """A step up the gradient of log-probability times advantage."""
        for evaluation in evaluations:
            reward = self._rewards.next(evaluation)
            self._average = self._momentum * self._average + (1 - self._momentum) * reward
            self._average_weight = self._momentum * self._average_weight + (1 - self._momentum)
            advantage = reward - self._average / self._average_weight
            self._policy.ascend([self._space.encode(evaluation.arch)], [advantage])


class RelativeChange:
    """The reward of TEG-NAS: how much better the indicators are than one step before.

    An indicator that isn't defined for one of the last evaluations adds nothing.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._recent: list[Evaluation] = []
        self._worst: dict[str, float] = {}

    def next(self, evaluation: Evaluation) -> float:
        """The reward of the next step; 0 for the first."""
        indicators = evaluation.settings.indicators
        if not evaluation.failed:
            for each in indicators:
                value = evaluation[each.name]
                worst = self._worst.get(each.name, math.nan)
                if not each.cost(value) <= each.cost(worst):  # also where there is none yet
                    self._worst[each.name] = value
        self._recent = [*self._recent, evaluation][-self._window :]
        if len(self._recent) < 2:
            return 0.0
        return -sum(each.weight * self._change(each) for each in indicators)

    def _change(self, indicator: Indicator) -> float:
        """The change of its cost since the step before, relative to the recent range."""
        worst = self._worst.get(indicator.name, math.nan)
        values = [worst if each.failed else each[indicator.name] for each in self._recent]
        if any(math.isnan(value) for value in values):  # nothing but bad ones so far
            return 0.0
        change = (values[-1] - values[-2]) / (max(values) - min(values) + 1e-6)
        return indicator.cost(change)
