"""The best of a set of architectures, without full scores of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from tegnas.scoring.race import better_half, halvings
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.scores import Scores, joined
from tegnas.scoring.settings import ScoreSettings, of_small_networks
from tegnas.spaces import Architecture


def best_of(
    scorer: Scorer,
    archs: Sequence[Architecture],
    settings: ScoreSettings,
    best: int,
    progress: Callable[[int], None] | None = None,
) -> Scores:
    """Scores of which at least the ``best`` best are full, by successive halving over networks.

    Args:
        scorer: of the settings.
        archs: each once.
        settings: with how often to halve.
        best: how many of the best are wanted.
        progress: called with how many architectures are done with.

    Returns:
        ``Scores`` that say how many networks each has.
    """
    small = {each.name for each in settings.indicators if of_small_networks(each)}
    computed = torch.zeros(len(archs), dtype=torch.int64)
    tables: dict[str, Tensor] = {
        name: torch.full((len(archs), settings.repeats), torch.nan, dtype=torch.float64)
        for name in small
    }

    def scores() -> Scores:
        return Scores(tuple(archs), settings, tables, computed=computed.clone())

    going, first = np.arange(len(archs)), 0
    for last in (*halvings(settings.repeats, settings.race), settings.repeats):
        if not len(going):
            break
        parts = scorer.in_chunks([archs[int(index)] for index in going], range(first, last))
        for name, values in joined(list(parts)).networks.items():
            if name in small:
                tables[name][going, first:last] = values
            else:  # computed with the first networks, of all
                tables[name] = values
        computed[going] = first = last
        if last < settings.repeats:
            ranks = _some(scores(), going).rank_score().numpy()
            going = going[better_half(ranks, best)]
        if progress is not None:
            progress(len(archs) - len(going) if last < settings.repeats else len(archs))
    return scores()


def _some(scores: Scores, rows: np.ndarray) -> Scores:
    """Those of the given rows."""
    return Scores(
        tuple(scores.archs[row] for row in rows),
        scores.settings,
        {name: values[rows] for name, values in scores.networks.items()},
        computed=None if scores.computed is None else scores.computed[rows],
    )
