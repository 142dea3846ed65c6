"""Which architectures need no more small networks: successive halving over the networks.

After 1, then 2, then 4 networks, and so on, only the better half of those that got so far goes on.
Architectures are compared by their rank score over equally many networks, so that what a race
decides is a matter of rank among equals alone.

Of a set that is known from the start this is successive halving (Jamieson and Talwalkar, AISTATS
2016, arXiv 1502.07943); where architectures come one after the other, its asynchronous form (Li et
al., MLSys 2020, arXiv 1810.05934), in which each is judged among those that came before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def halvings(networks: int, most: int | None = None) -> tuple[int, ...]:
    """After how many networks a race halves: 1, 2, 4, … below all of them, ``most`` of these."""
    return tuple(2**power for power in range((networks - 1).bit_length()))[:most]


def better_half(rank_scores: Sequence[float] | np.ndarray, least: int = 1) -> np.ndarray:
    """Who goes on, (A,) bool: the better half, rounded up, and whoever ties with its last.

    Args:
        rank_scores: lower is better, (A,).
        least: at least so many go on, or all.
    """
    scores = np.asarray(rank_scores, dtype=np.float64)
    if not len(scores):
        return np.zeros(0, dtype=bool)
    count = min(len(scores), max(-(-len(scores) // 2), least))
    return scores <= np.sort(scores)[count - 1]
