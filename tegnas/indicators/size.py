"""Size of the network that would be trained: number of parameters, floating-point operations."""

from __future__ import annotations

import math

from torch import Tensor, nn

from tegnas.data import Batch
from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.sources import Architecture
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.spaces import Space
from tegnas.spaces.base import Architecture as Arch
from tegnas.spaces.sizes import full_flops, full_parameters


def _parameters(arch: Arch, space: Space, batch: Batch) -> float:
    count = full_parameters(space, arch, batch.num_classes)
    return math.nan if count is None else count


def _flops(arch: Arch, space: Space, batch: Batch) -> float:
    count = full_flops(space, arch, batch.num_classes, batch.image_shape, batch.images.dtype)
    return math.nan if count is None else count


def _parameters_of(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return float(count_parameters(network))


def _flops_of(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return float(count_flops(network, tuple(images.shape[1:]), images.dtype))


PARAMETERS = Indicator(
    name="parameters",
    symbol="parameters",
    title="parameters of the full network, without an auxiliary classifier",
    role=EXTRA,
    better=HIGHER,
    source=Architecture(of_network=_parameters_of),
    compute=_parameters,
    log_scale=True,
    whole=True,
)

FLOPS = Indicator(
    name="flops",
    symbol="FLOPs",
    title="operations of the full network for one image; a multiply-add counts one",
    role=EXTRA,
    better=HIGHER,
    source=Architecture(of_network=_flops_of),
    compute=_flops,
    log_scale=True,
    whole=True,
)
