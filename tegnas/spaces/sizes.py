"""Size of the full networks of architectures, without making each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import nn

from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.darts import NODES
from tegnas.networks.darts_evaluation import DartsNetwork
from tegnas.networks.darts_operations import make_operation
from tegnas.spaces.base import Architecture, Space
from tegnas.spaces.darts_architecture import NONE, DartsArchitecture
from tegnas.spaces.factorised import Supernet
from tegnas.spaces.nasbench201 import NasBench201, NasBench201Architecture


def full_parameters(space: Space, arch: Architecture, num_classes: int = 10) -> float | None:
    """Parameters of the full network; None for a supernet, which has none.

    An auxiliary classifier, which is thrown away after training, isn't counted.
    """
    if isinstance(arch, Supernet):
        return None
    if isinstance(arch, NasBench201Architecture):
        return float(_nasbench201_total(arch, count_parameters, num_classes))
    if isinstance(arch, DartsArchitecture):
        return float(_darts_parameters(arch, num_classes))
    with torch.device("meta"):
        return float(count_parameters(space.network(arch, "full", num_classes=num_classes)))


def full_flops(
    space: Space, arch: Architecture, num_classes: int, image_shape: tuple[int, int, int]
) -> float | None:
    """Operations of the full network for one image; None for a supernet."""
    if isinstance(arch, Supernet):
        return None
    if isinstance(arch, NasBench201Architecture):
        return float(_nasbench201_total(arch, _flops_for(image_shape), num_classes))
    with torch.device("meta"):
        network = space.network(arch, "full", num_classes=num_classes)
    return float(count_flops(network, image_shape))


@lru_cache(maxsize=8)
def _flops_for(image_shape: tuple[int, int, int]) -> Callable[[nn.Module], int]:
    return lambda network: count_flops(network, image_shape)


def nasbench201_size(arch: NasBench201Architecture) -> tuple[int, int]:
    """Parameters and FLOPs of the full network."""
    return _nasbench201_total(arch, count_parameters), _nasbench201_total(arch, count_flops)


def _nasbench201_total(
    arch: NasBench201Architecture, measure: Callable[[nn.Module], int], num_classes: int = 10
) -> int:
    """Every edge adds its share, whatever the others are: three networks tell the sizes of all."""
    none, shares = _nasbench201_shares(measure, num_classes)
    return none + sum(arch.operations.count(name) * share for name, share in shares.items())


@lru_cache(maxsize=8)
def _nasbench201_shares(
    measure: Callable[[nn.Module], int], num_classes: int
) -> tuple[int, dict[str, int]]:
    def size(operation: str) -> int:
        arch = NasBench201Architecture((operation, *("none",) * 5))
        with torch.device("meta"):
            return measure(NasBench201().network(arch, "full", num_classes=num_classes))

    none = size("none")
    return none, {name: size(name) - none for name in ("nor_conv_1x1", "nor_conv_3x3")}


def _darts_parameters(arch: DartsArchitecture, num_classes: int) -> int:
    total, channels_of = _darts_frame(num_classes)
    for channels, pairs in zip(channels_of, arch.cells, strict=True):
        reduces = pairs is arch.reduce
        for name, source in pairs:
            stride = 2 if reduces and source < 2 else 1
            total += sum(_operation_parameters(name, each, stride) for each in channels)
    return total


@lru_cache(maxsize=8)
def _darts_frame(num_classes: int) -> tuple[int, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Parameters outside of the edges, and the channels of the normal and the reduction cells."""
    nodes = tuple(tuple((source, (NONE,)) for source in (0, 1)) for _ in range(NODES))
    with torch.device("meta"):
        network = DartsNetwork(nodes, nodes, num_classes=num_classes, auxiliary=False)
    normal: list[int] = []
    reduction: list[int] = []
    before = 0
    for index in range(network.layers):
        channels = len(network.get_parameter(f"cell{index}.preprocess1.conv.weight"))
        (reduction if 0 < before < channels else normal).append(channels)
        before = channels
    return count_parameters(network), (tuple(normal), tuple(reduction))


@lru_cache(maxsize=256)
def _operation_parameters(name: str, channels: int, stride: int) -> int:
    with torch.device("meta"):
        return count_parameters(make_operation(name, channels, stride))
