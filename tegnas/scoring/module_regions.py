"""Linear regions of one module: on which inputs, in passes of which size."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.regions import NoRegionsError, Regions, RegionsWarning, measure_regions, region_inputs
from tegnas.regions.count import probed, warn_of
from tegnas.regions.probe import Probe
from tegnas.scoring.patterns import SCORED
from tegnas.scoring.settings import ScoreSettings

# Sides of the inputs that are tried where none are given: on small ones networks differ.
_SIDES = (3, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class RegionPlan:
    """How the regions of a module will be counted.

    Attributes:
        shape: of one input.
        samples: how many inputs.
        pass_size: inputs per pass.
        seconds: estimated for all, from the first two.
    """

    shape: tuple[int, ...]
    samples: int
    pass_size: int
    seconds: float

    def measure(
        self,
        network: nn.Module,
        images: Tensor,
        settings: ScoreSettings,
        *,
        progress: Callable[[int], None],
        stacklevel: int,
    ) -> Regions:
        """Count them on the device and in the type of the images."""
        inputs = region_inputs(
            self.shape, samples=self.samples, batch_size=self.pass_size, seed=settings.seed
        )
        batches = (each.to(images) for each in inputs)
        found = measure_regions(network, batches, smooth=SCORED.smooth, progress=progress)
        warn_of(found, stacklevel=stacklevel + 1)
        return found


def plan_regions(
    network: nn.Module,
    images: Tensor,
    settings: ScoreSettings,
    shape: tuple[int, ...] | None,
    *,
    stacklevel: int,
) -> RegionPlan | None:
    """Look at two inputs; None, with a warning, where regions aren't defined for the network.

    A pass has ``region_batch_size`` inputs. Where the network has BatchNorm, whose statistics are
    those of the pass, and so many would take more than a gigabyte, passes are smaller, with a
    warning.

    Args:
        images: those that the network is scored on.
        shape: of one input; by default the smallest square images that the network takes.
    """
    try:
        shape, found = _fitting(network, images, shape)
    except NoRegionsError as reason:
        warnings.warn(str(reason), RegionsWarning, stacklevel=stacklevel + 1)
        return None
    size, samples = settings.region_batch_size, settings.region_samples
    if found.batch_statistics and not found.fits(min(size, samples)):
        needed = min(size, samples) * found.bytes_per_input
        size = min(size, found.largest_pass())
        warnings.warn(
            f"linear regions are counted in passes of {size:,} inputs, since "
            f"{settings.region_batch_size:,} would take {needed / 1e9:.1f} GB; BatchNorm's "
            "statistics are those of the pass, so that compare only with numbers of this "
            "region_batch_size, or give a smaller region_shape",
            RegionsWarning,
            stacklevel=stacklevel + 1,
        )
    return RegionPlan(shape, samples, size, samples * found.seconds_per_input)


def _fitting(
    network: nn.Module, images: Tensor, shape: tuple[int, ...] | None
) -> tuple[tuple[int, ...], Probe]:
    channels, *size = images.shape[1:]
    if shape is None:
        for side in _SIDES:
            if side < min(size, default=0):
                small = (channels, *(side for _ in size))
                try:
                    return small, _probed(network, images, small)
                except NoRegionsError:
                    raise
                except Exception:  # noqa: S112  whatever it makes of a size that it isn't for
                    continue
    shape = shape or tuple(images.shape[1:])
    return shape, _probed(network, images, shape)


def _probed(network: nn.Module, images: Tensor, shape: tuple[int, ...]) -> Probe:
    (inputs,) = region_inputs(shape, samples=2, batch_size=2, seed=0)
    with torch.no_grad(), batch_statistics(network, "frozen"):
        return probed(network, inputs.to(images), SCORED)
