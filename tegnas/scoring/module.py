"""The indicators of any ``nn.Module``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.indicators.base import EXPRESSIVITY, GENERALIZATION, TRAINABILITY, Indicator
from tegnas.indicators.sources import Architecture, Network
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.ntk import check_images
from tegnas.kernel.targets import centred_targets
from tegnas.ops import compute_device
from tegnas.regions import NoReLUError, count_regions, region_inputs
from tegnas.scoring.by_name import by_name, by_role
from tegnas.scoring.module_kernels import module_kernels, searched_weights
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.settings import ScoreSettings, changed


@dataclass(frozen=True)
class ModuleScore:
    """The indicators of one network as it stands: ``score["variance_inflation"]``.

    Attributes:
        settings: how it was scored.
        values: by name of the indicator; NaN where it isn't defined for this network, as linear
            regions without ReLU.
        region_shape: shape of the inputs that regions were counted on.
        searched: the weights behind kernels of the searched weights: ``"cells"`` where the module
            names them, else ``"all"``.
        autograd: weights that the native Gram doesn't know (one backward pass per image each).
    """

    settings: ScoreSettings
    values: Mapping[str, float]
    region_shape: tuple[int, ...]
    searched: str
    autograd: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        return self.values[by_name(self.settings, name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings.names)

    @property
    def trainability(self) -> float:
        """The indicator of role T; ``InputError`` if there isn't exactly one."""
        return self[by_role(self.settings, TRAINABILITY)]

    @property
    def expressivity(self) -> float:
        """The indicator of role E; ``InputError`` if there isn't exactly one."""
        return self[by_role(self.settings, EXPRESSIVITY)]

    @property
    def generalization(self) -> float:
        """The indicator of role G; ``InputError`` if there isn't exactly one."""
        return self[by_role(self.settings, GENERALIZATION)]

    @property
    def kappa(self) -> float:
        """The paper's T, condition number of the NTK; lower is better."""
        return self["ntk_condition"]

    @property
    def regions(self) -> int | None:
        """The paper's E, number of linear regions; higher is better; None without ReLU."""
        value = self["linear_regions"]
        return None if math.isnan(value) else int(value)

    @property
    def mse(self) -> float:
        """The paper's G, error of the NTK regression; lower is better."""
        return self["ntk_regression_error"]


def score_module(
    network: nn.Module,
    batch: Batch,
    *,
    settings: ScoreSettings | None = None,
    region_shape: tuple[int, ...] | None = None,
    **changes: Any,
) -> ModuleScore:
    """Score a network with the weights that it has, on the device that it is on.

    Args:
        network: gives logits (N, ``batch.num_classes`` or any K) for images (N, C, H, W). It may
            name the prefixes of its searched weights in an attribute ``cell_prefixes``.
        batch: labelled images; they follow the network to its device.
        settings: how to score, by default the preset ``best``; ``get_preset("fast")`` for the
            paper's definitions. ``repeats`` has no meaning here, since the network comes with its
            weights, nor have ``small_networks`` and ``image_size``, since it may be made for images
            of one size. Keyword arguments change single fields.
        region_shape: shape of one input for the region count. By default small inputs (C, 3, 3),
            on which networks differ; where the network doesn't take these, the shape of the images
            (on which the count is often all of them). The result says which it was.

    Raises:
        InputError: no logits, no weights, a wrong setting, an indicator that is computed from an
            architecture, or a device that can't be used.
    """
    settings = changed(settings or ScoreSettings(), **changes)
    parameter = next(network.parameters(), None)
    if parameter is not None:
        batch = batch.to(compute_device(parameter.device))
    check_images(network, batch.images)
    needs = SmallNetworkNeeds.of(settings)
    values: dict[str, float] = {}
    autograd: tuple[str, ...] = ()
    if needs.of_kernels:
        targets = centred_targets(batch.labels, batch.num_classes)
        val_targets = centred_targets(batch.val_labels, batch.num_classes)
        kernels, autograd = module_kernels(network, batch, settings, needs, targets, val_targets)
        for each in needs.of_kernels:
            values[each.name] = float(each.compute(kernels)[0])
    shape = region_shape or _default_region_shape(network, batch.images)
    if needs.of_patterns:
        counts = _count(network, batch, settings, shape)
        for each in needs.of_patterns:
            values[each.name] = float(each.compute(counts)[0])
    for each in settings.indicators:
        if isinstance(each.source, Network | Architecture):
            values[each.name] = _of_module(each, network, batch)
    return ModuleScore(settings, values, shape, searched_weights(network), autograd)


def _count(
    network: nn.Module, batch: Batch, settings: ScoreSettings, shape: tuple[int, ...]
) -> Tensor:
    inputs = region_inputs(
        shape,
        samples=settings.region_samples,
        batch_size=settings.region_batch_size,
        seed=settings.seed,
    )
    try:
        count = float(count_regions(network, [each.to(batch.images) for each in inputs]))
    except NoReLUError:
        count = math.nan
    return torch.tensor([count], dtype=torch.float64)


def _of_module(indicator: Indicator, network: nn.Module, batch: Batch) -> float:
    source = indicator.source
    compute = source.of_network if isinstance(source, Architecture) else indicator.compute
    if compute is None:
        raise InputError(
            f"{indicator.name} is computed from an architecture and not from a module; leave it out"
        )
    return float(compute(network, batch.images, batch.labels))


def _default_region_shape(network: nn.Module, images: Tensor) -> tuple[int, ...]:
    small = (images.shape[1], 3, 3)
    try:
        with torch.no_grad(), batch_statistics(network, "frozen"):
            network(images.new_zeros(2, *small))
    except Exception:  # whatever the network makes of a size that it isn't for
        return tuple(images.shape[1:])
    return small
