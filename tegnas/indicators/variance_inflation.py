"""Trainability of the preset ``best``: how far the images' gradients are from independent."""

from __future__ import annotations

from torch import Tensor

from tegnas.indicators.base import LOWER, TRAINABILITY, Indicator
from tegnas.indicators.sources import SEARCHED, Kernel, Kernels


def _inflation(kernels: Kernels) -> Tensor:
    return kernels.leave_one_out.inflation


VARIANCE_INFLATION = Indicator(
    name="variance_inflation",
    symbol="VIF",
    title="mean variance inflation of the images' gradients",
    role=TRAINABILITY,
    better=LOWER,
    source=Kernel(weights=SEARCHED),
    compute=_inflation,
    citation="tegnas.ops.leave_one_out; variance inflation factor: Marquardt 1970, section 4",
    log_scale=True,
    version=3,
)
