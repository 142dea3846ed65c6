"""Where an indicator says nothing about a set of architectures, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tegnas.indicators.base import Indicator
from tegnas.indicators.sources import Patterns
from tegnas.scoring.settings import ScoreSettings

# Regions this close to the number of inputs are at their ceiling: nearly every input has a
# pattern of its own, and what is left are chance collisions.
CEILING = 0.975

# Of fewer architectures nothing is said.
_LEAST = 4


def blind_indicators(settings: ScoreSettings, columns: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """One sentence for every indicator in which more than half of a set ties.

    Args:
        settings: of the scores.
        columns: values of each indicator by name, float64 (A,) each.
    """
    sentences = []
    for each in settings.indicators:
        values = np.asarray(columns[each.name], dtype=np.float64)
        values = values[~np.isnan(values)]
        if len(values) < _LEAST:
            continue
        tied, how = _ties(each, values, settings)
        if 2 * tied > len(values):
            sentences.append(
                f"{each.label} says little about this set: {tied:,} of {len(values):,} "
                f"architectures {how}"
            )
    return tuple(sentences)


def _ties(each: Indicator, values: np.ndarray, settings: ScoreSettings) -> tuple[int, str]:
    failed = int(np.isinf(values).sum())
    if 2 * failed > len(values):
        return failed, f"fail in it ({each.worst:g})"
    if isinstance(each.source, Patterns):
        ceiling = settings.region_samples
        at_ceiling = int((values >= CEILING * ceiling).sum())
        if 2 * at_ceiling > len(values):
            return at_ceiling, f"are at its ceiling ({ceiling:,} inputs)"
    # Rounding apart: networks that compute the same in another order tie.
    shown, counts = np.unique([float(f"{value:.6g}") for value in values], return_counts=True)
    most = int(counts.argmax())
    return int(counts[most]), f"tie at {each.text(shown[most])}"


def joined(sentences: Sequence[str]) -> str:
    """Several sentences as one text."""
    return " ".join(f"{each}." for each in sentences)
