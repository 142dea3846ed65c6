"""The neural tangent kernel of untrained modules, from their gradients."""

from __future__ import annotations

from tegnas.kernel.messages import AutogradLayersWarning, EngineWarning
from tegnas.kernel.ntk import KernelDetails, ntk

__all__ = ["AutogradLayersWarning", "EngineWarning", "KernelDetails", "ntk"]
