"""Scored architectures as strategies see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tegnas.errors import InputError
from tegnas.scoring.evaluation import Evaluation
from tegnas.scoring.ranking import behind, rank_score
from tegnas.spaces import Architecture
from tegnas.spaces.factorised import Supernet

__all__ = [
    "Evaluation",
    "best_of",
    "columns_of",
    "distinct_architectures",
    "rank_scores",
]


def columns_of(evaluations: Sequence[Evaluation]) -> list[np.ndarray]:
    """The values of each indicator over some evaluations by one settings, float64 (A,) each."""
    table = np.array([each.values for each in evaluations], dtype=np.float64)
    return list(table.reshape(len(evaluations), -1).T)


def rank_scores(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """All indicators combined within the set, (A,) float64, lower is better.

    See ``rank_score``; how they are combined is in the settings. What a race stopped comes behind
    all others.
    """
    if not evaluations:
        return np.zeros(0)
    settings = evaluations[0].settings
    scores = rank_score(settings.indicators, columns_of(evaluations), settings.combination)
    return behind(scores, np.array([each.stopped_after is not None for each in evaluations]))


def distinct_architectures(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """One evaluation of each architecture, in the order of the first; supernets are left out.

    Where they were raced in several searches, the one of the most networks.
    """
    found: dict[Architecture, Evaluation] = {}
    for each in evaluations:
        known = found.get(each.arch)
        if not isinstance(each.arch, Supernet) and (known is None or _further(each, known)):
            found[each.arch] = each
    return list(found.values())


def _further(each: Evaluation, known: Evaluation) -> bool:
    """Whether a race stopped one evaluation and not, or later, the other of an architecture."""
    if known.stopped_after is None:
        return False
    return each.stopped_after is None or each.stopped_after > known.stopped_after


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Lowest rank score among the distinct architectures; the first one found wins a tie.

    Raises ``InputError`` if there is no architecture among them.
    """
    distinct = distinct_architectures(evaluations)
    if not distinct:
        raise InputError("the search ended before it scored an architecture; raise the budget")
    return distinct[int(np.argmin(rank_scores(distinct)))]
