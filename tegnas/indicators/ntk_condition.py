"""Trainability as the paper has it: the condition number of the NTK."""

from __future__ import annotations

from torch import Tensor

from tegnas import ops
from tegnas.indicators.base import LOWER, TRAINABILITY, Indicator
from tegnas.indicators.sources import ALL, Kernel, Kernels


def _condition(kernels: Kernels) -> Tensor:
    assert kernels.all is not None
    _, _, condition = ops.eig_condition(kernels.all)
    return condition


NTK_CONDITION = Indicator(
    name="ntk_condition",
    symbol="κ",
    title="condition number of the neural tangent kernel",
    role=TRAINABILITY,
    better=LOWER,
    source=Kernel(weights=ALL),
    compute=_condition,
    citation="TEG-NAS, arXiv 2108.11939, section 3.1; TE-NAS, arXiv 2102.11535, eq. 4",
    log_scale=True,
    version=2,
)
