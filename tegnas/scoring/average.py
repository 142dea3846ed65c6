"""One number from those of several networks."""

from __future__ import annotations

import numpy as np
from torch import Tensor, from_numpy

MEAN, MEDIAN = "mean", "median"
AVERAGES = (MEAN, MEDIAN)


def averaged(repeats: Tensor, average: str = MEAN) -> Tensor:
    """The mean or median over the last axis, float64 (..., repeats) to (...).

    The median of an even number is the mean of the middle two; it is inf where half are.
    """
    if average == MEDIAN:
        return from_numpy(np.asarray(np.median(repeats.numpy(), axis=-1)))
    return repeats.mean(-1)
