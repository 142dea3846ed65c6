"""Linear regions: distinct activation patterns over a set of inputs."""

from __future__ import annotations

from tegnas.regions.count import Regions, count_regions, measure_regions
from tegnas.regions.inputs import region_input_shape, region_inputs
from tegnas.regions.messages import NoRegionsError, RegionsWarning

__all__ = [
    "NoRegionsError",
    "Regions",
    "RegionsWarning",
    "count_regions",
    "measure_regions",
    "region_input_shape",
    "region_inputs",
]
