"""Linear regions: distinct activation patterns over a set of inputs."""

from __future__ import annotations

from tegnas.regions.count import (
    NoReLUError,
    count_regions,
    region_input_shape,
    region_inputs,
    relu_signs,
)

__all__ = ["NoReLUError", "count_regions", "region_input_shape", "region_inputs", "relu_signs"]
