"""One number from those of several networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MEAN, MEDIAN = "mean", "median"
AVERAGES = (MEAN, MEDIAN)


def averaged(networks: np.ndarray, average: str = MEAN) -> np.ndarray:
    """The mean or median over the last axis, float64 (..., networks) to (...).

    Networks that fail (a singular kernel) are left out where they are the minority; where they
    aren't, the architecture fails, with their value. Where a value isn't defined (NaN), neither is
    the average.
    """
    networks = np.asarray(networks, dtype=np.float64)
    count = networks.shape[-1]
    failed = np.isinf(networks)
    failures = failed.sum(-1)
    if average == MEDIAN:
        result = _median(np.where(failed, np.nan, networks), count - failures)
    else:
        result = np.where(failed, 0, networks).sum(-1) / np.maximum(count - failures, 1)
    result = np.where(np.isnan(networks).any(-1), np.nan, result)
    worst = np.where(failed, networks, 0).sum(-1)
    return np.where(failures * 2 < count, result, worst)


def averaged_rows(rows: Sequence[Sequence[float]], average: str = MEAN) -> list[float]:
    """``averaged`` of each row; they may be of several lengths."""
    if len({len(row) for row in rows}) == 1:
        return averaged(np.array(rows), average).tolist()
    return [averaged(np.array(row), average).item() for row in rows]


def _median(networks: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Of the first ``kept`` numbers in order, NaN being last; nanmedian takes 8 times longer."""
    ordered = np.sort(networks, axis=-1)
    middle = np.stack([np.maximum(kept - 1, 0) // 2, kept // 2], axis=-1)
    middle = np.minimum(middle, networks.shape[-1] - 1)
    return np.take_along_axis(ordered, middle, axis=-1).mean(-1)
