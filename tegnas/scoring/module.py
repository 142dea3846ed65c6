"""The three indicators of any ``nn.Module``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from tegnas.data import Batch
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.kernel.ntk import check_images
from tegnas.kernel.targets import centred_targets
from tegnas.ops import compute_device
from tegnas.regions.count import NoReLUError, count_regions, region_inputs
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.torch_scorer import body_of, trainability_and_generalization


@dataclass(frozen=True)
class ModuleScore:
    """T, E and G of one network as it stands.

    Attributes:
        kappa: condition number of the NTK of all weights; lower is better.
        regions: linear regions that the inputs fall into; higher is better; None without ReLU.
        mse: error of the NTK regression; lower is better.
        region_shape: shape of the inputs that regions were counted on.
        body: the weights behind G, and by the definition ``left-out`` behind T as well: ``"cells"``
            where the module names them, else ``"all"``.
        autograd: weights that the native Gram doesn't know (one backward pass per image each).
    """

    kappa: float
    regions: int | None
    mse: float
    region_shape: tuple[int, ...]
    body: str
    autograd: tuple[str, ...]


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
        settings: how to score, by default by the paper's definitions, ``ScoreSettings()``;
            ``repeats`` has no meaning here, since the network comes with its weights, nor has
            ``image_size``, since it may be made for images of one size. Keyword arguments change
            single fields.
        region_shape: shape of one input for the region count. By default small inputs (C, 3, 3),
            on which networks differ; where the network doesn't take these, the shape of the images
            (on which the count is often all of them). The result says which it was.

    Raises:
        InputError: no logits, no weights, a wrong setting, or a device that can't be used.
    """
    settings = replace(settings or ScoreSettings(), **changes)
    parameter = next(network.parameters(), None)
    if parameter is not None:
        batch = batch.to(compute_device(parameter.device))
    check_images(network, batch.images)
    body = body_of(network)
    kappa, mse, autograd = trainability_and_generalization(
        network,
        batch,
        settings,
        centred_targets(batch.labels, batch.num_classes),
        centred_targets(batch.val_labels, batch.num_classes),
        body=body,
    )
    shape = region_shape or _default_region_shape(network, batch.images)
    inputs = region_inputs(
        shape,
        samples=settings.region_samples,
        batch_size=settings.region_batch_size,
        seed=settings.seed,
    )
    try:
        regions = count_regions(network, [each.to(batch.images) for each in inputs])
    except NoReLUError:
        regions = None
    return ModuleScore(kappa, regions, mse, shape, body, autograd)


def _default_region_shape(network: nn.Module, images: Tensor) -> tuple[int, ...]:
    small = (images.shape[1], 3, 3)
    try:
        with torch.no_grad(), batch_statistics(network, "frozen"):
            network(images.new_zeros(2, *small))
    except Exception:  # whatever the network makes of a size that it isn't for
        return tuple(images.shape[1:])
    return small
