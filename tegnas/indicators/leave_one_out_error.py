"""Generalization of the preset ``best``: what regression from the other images makes of noise."""

from __future__ import annotations

from torch import Tensor

from tegnas.indicators.base import GENERALIZATION, LOWER, Indicator
from tegnas.indicators.sources import SEARCHED, Kernel, Kernels


def _error(kernels: Kernels) -> Tensor:
    return kernels.leave_one_out.error


LEAVE_ONE_OUT_ERROR = Indicator(
    name="leave_one_out_error",
    symbol="LOO",
    title="expected leave-one-out error of NTK regression on white noise",
    role=GENERALIZATION,
    better=LOWER,
    source=Kernel(weights=SEARCHED),
    compute=_error,
    citation="tegnas.ops.leave_one_out; Rasmussen & Williams 2006, section 5.4.2",
    log_scale=True,
    version=3,
)
