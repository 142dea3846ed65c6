"""The neural tangent kernel of untrained modules, from their gradients."""

from __future__ import annotations

from tegnas.kernel.messages import (
    AutogradLayersWarning,
    ConstantSumWarning,
    EngineWarning,
    LeftOutWarning,
)
from tegnas.kernel.ntk import KernelDetails, ntk

__all__ = [
    "AutogradLayersWarning",
    "ConstantSumWarning",
    "EngineWarning",
    "KernelDetails",
    "LeftOutWarning",
    "ntk",
]
