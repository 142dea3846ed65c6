"""What each choice of a space has to do with an indicator, by a decomposition of variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.errors import InputError
from tegnas.scoring.ranking import ranks


@dataclass(frozen=True, eq=False)
class ChoiceImportance:
    """What one choice has to do with one quantity, among a set of architectures.

    Attributes:
        share: of the variance of the quantity's ranks, what lies between the options of the choice,
            in [0, 1].
        positions: mean position of the architectures that take each option, from 0, the best of the
            set, to 1, the worst; float64 (options,), NaN where none takes it.
        counts: architectures that take each option, int64 (options,).
    """

    share: float
    positions: np.ndarray
    counts: np.ndarray


def choice_importance(
    codes: np.ndarray, sizes: Sequence[int], cost: np.ndarray
) -> list[ChoiceImportance]:
    """The importance of every choice for one quantity.

    The share is ε² of a one-way analysis of variance of the ranks: the variance between the means
    of the options, less what as many options without any effect would give by chance (Kelley, 1935,
    doi:10.1073/pnas.21.9.554). On a whole product of choices, and up to that correction, it is the
    choice's first-order Sobol index: shares of different choices then add up to 1 at most, and what
    is missing is interaction. Among architectures that a search chose, choices go together, and
    some of one's share may be another's.

    Args:
        codes: the option that each architecture takes in every choice, int64 (A, C).
        sizes: number of options of every choice.
        cost: lower is better, (A,); an infinite one is a failure, and failures tie as worst.

    Raises:
        InputError: fewer than three architectures.
    """
    count = len(cost)
    if count < 3:
        raise InputError(f"the importance of choices needs 3 architectures or more, got {count}")
    position = (ranks(cost) - 1) / (count - 1)
    return [_one(codes[:, choice], size, position) for choice, size in enumerate(sizes)]


def _one(taken: np.ndarray, size: int, position: np.ndarray) -> ChoiceImportance:
    counts = np.bincount(taken, minlength=size)
    sums = np.bincount(taken, position, minlength=size)
    means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    freedom = len(position) - np.count_nonzero(counts)
    within = np.square(position - means[taken]).sum()
    total = np.square(position - position.mean()).sum()
    if total == 0 or freedom == 0:
        return ChoiceImportance(0.0, means, counts)
    share = 1 - (within / freedom) / (total / (len(position) - 1))
    return ChoiceImportance(max(0.0, float(share)), means, counts)
