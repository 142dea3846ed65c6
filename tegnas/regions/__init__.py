"""Linear regions: distinct activation patterns over a set of inputs."""

from __future__ import annotations

from tegnas.regions.count import Regions, count_regions, measure_regions, pattern_distances
from tegnas.regions.inputs import (
    InputsLikeData,
    InputSource,
    NormalInputs,
    OwnInputs,
    inputs_of,
    region_inputs,
)
from tegnas.regions.messages import NoRegionsError, RegionsWarning

__all__ = [
    "InputSource",
    "InputsLikeData",
    "NoRegionsError",
    "NormalInputs",
    "OwnInputs",
    "Regions",
    "RegionsWarning",
    "count_regions",
    "inputs_of",
    "measure_regions",
    "pattern_distances",
    "region_inputs",
]
