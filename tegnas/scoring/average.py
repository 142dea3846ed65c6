"""One number from those of several networks."""

from __future__ import annotations

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
    usable = failed.sum(-1) * 2 < count
    worst = np.where(failed, networks, 0).sum(-1)
    kept = np.where(failed, np.nan, networks)
    statistic = np.nanmedian if average == MEDIAN else np.nanmean
    result = np.where(usable, 0.0, worst)
    defined = usable & ~np.isnan(networks).any(-1)
    result[usable & ~defined] = np.nan
    if defined.any():
        result[defined] = statistic(kept[defined], axis=-1)
    return result
