"""Linear regions of one module: on which inputs, in passes of which size."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tegnas.data.batch import are_images
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.regions import (
    InputsLikeData,
    InputSource,
    NoRegionsError,
    NormalInputs,
    Regions,
    RegionsWarning,
    inputs_of,
    measure_regions,
    region_inputs,
)
from tegnas.regions.count import probed, warn_of
from tegnas.regions.probe import Probe
from tegnas.scoring.module_progress import LONG
from tegnas.scoring.patterns import SCORED
from tegnas.scoring.settings import ScoreSettings

# Sides of the inputs that are tried where none are given: on small ones networks differ.
_SIDES = (3, 8, 16, 32, 64, 128)
# Inputs of a pass that is timed.
_TIMED = 16


@dataclass(frozen=True)
class RegionPlan:
    """How the regions of a module will be counted.

    Attributes:
        source: of the inputs.
        shape: of one input.
        samples: how many inputs.
        pass_size: inputs per pass.
        seconds: estimated for all, from the first few.
    """

    source: InputSource
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
            self.source, samples=self.samples, batch_size=self.pass_size, seed=settings.seed
        )
        batches = (_placed(each, images) for each in inputs)
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
        shape: of one input; by default what the network says (see ``inputs_of``), or the smallest
            that it takes.
    """
    try:
        source, shape, found = _fitting(network, images, shape)
    except NoRegionsError as reason:
        warnings.warn(
            f"{reason}; the indicator kernel_rank is", RegionsWarning, stacklevel=stacklevel + 1
        )
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
    seconds = samples * found.seconds_per_input
    if seconds > LONG:
        seconds = samples * _seconds_per_input(network, images, source)
    return RegionPlan(source, shape, samples, size, seconds)


def _seconds_per_input(network: nn.Module, images: Tensor, source: InputSource) -> float:
    """Timed on more inputs than the first two, most of whose time goes into looking at them."""
    (inputs,) = region_inputs(source, samples=_TIMED, batch_size=_TIMED, seed=0)
    inputs = _placed(inputs, images)
    with torch.no_grad(), batch_statistics(network, "frozen"):
        started = time.perf_counter()
        network(inputs)
        if inputs.is_cuda:
            torch.cuda.synchronize(inputs.device)
    return (time.perf_counter() - started) / _TIMED


def _fitting(
    network: nn.Module, images: Tensor, shape: tuple[int, ...] | None
) -> tuple[InputSource, tuple[int, ...], Probe]:
    own = inputs_of(network, images)
    if shape is None and own is not None:
        return own, *_probed(network, images, own)
    for small in _small_shapes(images) if shape is None else ():
        try:
            source = _source(images, small)
            return source, *_probed(network, images, source)
        except NoRegionsError:
            raise
        except Exception:  # noqa: S112  whatever it makes of a size that it isn't for
            continue
    source = _source(images, shape or tuple(images.shape[1:]))
    return source, *_probed(network, images, source)


def _small_shapes(images: Tensor) -> Iterator[tuple[int, ...]]:
    """Shapes that are smaller than an example in all but its channels; ids have none."""
    channels, sizes = tuple(images.shape[1:2]), tuple(images.shape[2:])
    if not images.is_floating_point():
        channels, sizes = (), tuple(images.shape[1:])
    for side in _SIDES:
        if side < min(sizes, default=0):
            yield (*channels, *(side for _ in sizes))


def _source(images: Tensor, shape: tuple[int, ...]) -> InputSource:
    """Standard normal images; everything else is drawn like the examples."""
    alike = len(shape) == images.dim() - 1 and shape[0] == images.shape[1]
    if are_images(images) or (images.is_floating_point() and not alike):
        return NormalInputs(shape)
    return InputsLikeData(images.cpu(), shape)


def _probed(
    network: nn.Module, images: Tensor, source: InputSource
) -> tuple[tuple[int, ...], Probe]:
    (inputs,) = region_inputs(source, samples=2, batch_size=2, seed=0)
    with torch.no_grad(), batch_statistics(network, "frozen"):
        return tuple(inputs.shape[1:]), probed(network, _placed(inputs, images), SCORED)


def _placed(inputs: Tensor, images: Tensor) -> Tensor:
    """Inputs on the device of the images, and of their type unless one of them is ids."""
    if inputs.is_floating_point() and images.is_floating_point():
        return inputs.to(images)
    return inputs.to(images.device)
