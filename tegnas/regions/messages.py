"""What is said about linear regions: where they aren't defined, and where they tell little."""

from __future__ import annotations

from tegnas.errors import InputError


class NoRegionsError(InputError):
    """The network has no piecewise-linear activation: linear regions aren't defined for it."""


class RegionsWarning(UserWarning):
    """The number of regions says little about the network, and why."""
