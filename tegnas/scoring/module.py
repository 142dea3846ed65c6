"""The indicators of any ``nn.Module``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tegnas.data import Batch, BatchLike, as_batch
from tegnas.errors import InputError
from tegnas.indicators.base import Indicator
from tegnas.indicators.sources import Architecture, Network
from tegnas.kernel.checks import check_images
from tegnas.kernel.messages import warn_singular
from tegnas.kernel.targets import centred_targets
from tegnas.memory import check_memory
from tegnas.ops import compute_device
from tegnas.regions import NoRegionsError, Regions, RegionsWarning, pattern_distances
from tegnas.scoring.by_name import ByRole, by_name
from tegnas.scoring.module_costs import kernel_costs
from tegnas.scoring.module_kernels import module_kernels, searched_weights
from tegnas.scoring.module_progress import KERNELS, REGIONS, ProgressCallback, ProgressMeter
from tegnas.scoring.module_regions import RegionPlan, plan_regions
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.patterns import SCORED
from tegnas.scoring.presets import as_settings
from tegnas.scoring.settings import ScoreSettings, changed


@dataclass(frozen=True, repr=False)
class ModuleScore(ByRole[float]):
    """The indicators of one network as it stands: ``score["variance_inflation"]``.

    Attributes:
        settings: how it was scored.
        values: by name of the indicator; NaN where it isn't defined for this network, as linear
            regions without any activation that bends.
        region_shape: shape of the inputs that regions were counted on.
        searched: the weights behind kernels of the searched weights: ``"searched"`` where the
            module names them, else ``"all"``.
        autograd: weights that the native Gram doesn't know, whose rows came from autograd.
        region_details: what was counted as regions and what wasn't; None where nothing was.
    """

    settings: ScoreSettings
    values: Mapping[str, float]
    region_shape: tuple[int, ...]
    searched: str
    autograd: tuple[str, ...]
    region_details: Regions | None = None

    def __getitem__(self, name: str) -> float:
        return self.values[by_name(self.settings, name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings.names)

    def __repr__(self) -> str:
        values = [self.values[name] for name in self.settings.names]
        return f"ModuleScore({self.settings.shown(values)})"

    @property
    def regions(self) -> int | None:  # type: ignore[override]
        """The paper's E, number of linear regions; higher is better.

        None if undefined: no activation has pieces. ``self["linear_regions"]`` then has the number
        of patterns of signs, if there is such (see ``Regions.signs``).
        """
        value = self["linear_regions"]
        signs = self.region_details is not None and self.region_details.signs
        return None if signs or math.isnan(value) else int(value)


def score_module(
    network: nn.Module,
    batch: BatchLike,
    *,
    settings: ScoreSettings | str | None = None,
    region_shape: tuple[int, ...] | None = None,
    progress: ProgressCallback | None = None,
    **changes: Any,
) -> ModuleScore:
    """Score a network with the weights that it has, on the device that it is on.

    Args:
        network: gives logits (N, ``batch.num_classes`` or any K) for images (N, C, H, W) or
            whatever other examples the batch has. It may name the prefixes of its searched weights
            in an attribute ``searched_prefixes``, and what its regions are counted on in
            ``region_input_shape`` or ``region_inputs`` (see ``tegnas.regions.inputs_of``).
        batch: labelled images or other examples, or what they are drawn from, as for
            ``tegnas.score``; they follow the network to its device.
        settings: how to score, or the name of a preset, by default ``"best"``; ``"fast"`` for the
            paper's definitions. ``repeats`` has no meaning here, since the network comes with its
            weights, nor have ``small_networks`` and ``image_size``, since it may be made for images
            of one size. Keyword arguments change single fields.
        region_shape: shape of one input for the region count. By default the smallest of (C, 3, 3),
            (C, 8, 8), (C, 16, 16), … that the network takes, since on small inputs networks differ;
            the shape of the images where it takes no other. Inputs are standard normal, and drawn
            like the examples where these aren't images. The result says which shape it was.
        progress: called with a ``ScoreProgress`` as the score goes on; what it raises stops it,
            and so does Ctrl-C, the network being left as it was.

    Raises:
        InputError: no logits, no weights, a wrong setting, an indicator that is computed from an
            architecture, a device that can't be used, or more memory needed than there is.

    Warns:
        RegionsWarning: linear regions aren't defined for the network, are patterns of signs of
            what enters its smooth activations, or say little about it.
        SingularKernelWarning: the kernel is singular, so that what is made of it is infinite.
        LongScoreWarning: it will take more than a minute, and there is no ``progress``.
    """
    settings = changed(as_settings(settings), **changes)
    batch = as_batch(batch, train=settings.train, val=settings.val, seed=settings.seed)
    parameter = next(network.parameters(), None)
    if parameter is not None:
        batch = batch.to(compute_device(parameter.device))
    check_images(network, batch.images)
    needs = SmallNetworkNeeds.of(settings)
    plan = None
    if needs.of_patterns:
        plan = plan_regions(network, batch.images, settings, region_shape, stacklevel=2)
    meter = _meter(network, batch, settings, needs, plan, progress)
    values: dict[str, float] = {}
    autograd: tuple[str, ...] = ()
    regions: Regions | None = None
    if needs.of_kernels:
        meter.start(KERNELS, stacklevel=2)
        targets = centred_targets(batch.labels, batch.num_classes)
        val_targets = centred_targets(batch.val_labels, batch.num_classes)
        kernels, autograd = module_kernels(network, batch, settings, needs, targets, val_targets)
        for each in needs.of_kernels:
            values[each.name] = float(each.compute(kernels)[0])
        infinite = [each.symbol for each in needs.of_kernels if math.isinf(values[each.name])]
        if infinite:
            warn_singular(network, len(batch.images), batch.noun, infinite)
        meter.finish(KERNELS)
    if plan is not None:
        meter.start(REGIONS, stacklevel=2)
        regions = plan.measure(
            network,
            batch.images,
            settings,
            progress=lambda done: meter.advance(REGIONS, done),
            stacklevel=2,
        )
    count = math.nan if regions is None else float(regions.count)
    for each in needs.of_patterns:
        values[each.name] = float(each.compute(torch.tensor([count], dtype=torch.float64))[0])
    if needs.of_distances:
        said = bool(needs.of_patterns) and plan is None
        values |= _of_distances(network, batch, needs.of_distances, said=said)
    for each in settings.indicators:
        if isinstance(each.source, Network | Architecture):
            values[each.name] = _of_module(each, network, batch)
    shape = region_shape or tuple(batch.image_shape) if plan is None else plan.shape
    return ModuleScore(settings, values, shape, searched_weights(network), autograd, regions)


def _meter(
    network: nn.Module,
    batch: Batch,
    settings: ScoreSettings,
    needs: SmallNetworkNeeds,
    plan: RegionPlan | None,
    progress: ProgressCallback | None,
) -> ProgressMeter:
    totals: dict[str, int] = {}
    seconds: dict[str, float] = {}
    if needs.of_kernels:
        batches = [batch.images, batch.val_images] if needs.validation else [batch.images]
        totals[KERNELS] = sum(map(len, batches))
        costs = kernel_costs(network, batches, settings.batch_norm)
        check_memory(
            costs.bytes,
            batch.images.device,
            f"the kernel of {type(network).__name__} on {totals[KERNELS]:,} images of "
            f"{'×'.join(map(str, batch.image_shape))}",
            "give fewer images (train, val), or smaller ones",
        )
        seconds[KERNELS] = costs.seconds
    if plan is not None:
        totals[REGIONS], seconds[REGIONS] = plan.samples, plan.seconds
    return ProgressMeter(progress, totals, seconds)


def _of_distances(
    network: nn.Module, batch: Batch, indicators: Sequence[Indicator], *, said: bool
) -> dict[str, float]:
    """The values by name; NaN, with a warning but where ``said``, without any pattern."""
    try:
        distances = pattern_distances(network, batch.images, smooth=SCORED.smooth)[None].double()
    except NoRegionsError as reason:
        if not said:
            warnings.warn(str(reason), RegionsWarning, stacklevel=3)
        return {each.name: math.nan for each in indicators}
    found = {each: each.compute(distances).cpu() for each in indicators}
    return {
        each.name: float(SmallNetworkNeeds.failing_as_worst(each, value)[0])
        for each, value in found.items()
    }


def _of_module(indicator: Indicator, network: nn.Module, batch: Batch) -> float:
    source = indicator.source
    compute = source.of_network if isinstance(source, Architecture) else indicator.compute
    if compute is None:
        raise InputError(
            f"{indicator.name} is computed from an architecture and not from a module; leave it out"
        )
    return float(compute(network, batch.images, batch.labels))
