"""The order of the leaders: which candidates are the best to begin with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tegnas.errors import InputError
from tegnas.indicators.base import TRAINABILITY, Indicator
from tegnas.indicators.pattern_rank import PATTERN_RANK
from tegnas.scoring.ranking import combine
from tegnas.search.evaluation import Evaluation


def leader_scores(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """All indicators but T and PR combined within the set, float64 (A,), lower is better.

    T and PR tell good architectures from bad ones and not the best from the good, and networks of
    other weights agree less on what one draw favours by luck (``docs/studies/top.md``; of PR
    ``docs/studies/ranking-sixth.md``). So the order is made within each small network by itself;
    what counts is its mean over the networks and, as much, its standard deviation. Indicators of
    the user's own and counts that were scored beside take part, each by its weight. Where there is
    nothing but T and PR, these decide.

    Raises:
        InputError: the values of single networks aren't known.
    """
    settings = evaluations[0].settings
    every = range(len(settings.indicators))
    chosen = [i for i in every if _tells_the_best(settings.indicators[i])] or every
    bad = np.array([each.failed for each in evaluations])
    single = []
    for network in range(settings.repeats):
        costs, weights = [], []
        for i in chosen:
            values = np.array([_of_network(each, i, network) for each in evaluations])
            if not np.isnan(values).any():
                costs.append(settings.indicators[i].cost(values))
                weights.append(settings.indicators[i].weight)
        single.append(combine(costs, bad, settings.combination, weights))
    return np.mean(single, axis=0) + np.std(single, axis=0)


def _tells_the_best(indicator: Indicator) -> bool:
    return indicator.role != TRAINABILITY and indicator.name != PATTERN_RANK.name


def _of_network(evaluation: Evaluation, indicator: int, network: int) -> float:
    if evaluation.settings.repeats == 1:
        return evaluation.values[indicator]
    if not evaluation.networks:
        raise InputError(
            "the candidates are ordered by the scores of single networks, which a result that was "
            "loaded doesn't have; give the directory of the search"
        )
    values = evaluation.networks[indicator]
    return values[network] if len(values) > 1 else values[0]  # a count is of no network
