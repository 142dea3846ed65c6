"""Weights at initialisation, reproducible from a seed alone.

A weight depends on (seed, name, shape) and on nothing else: not on the global random state, not on
the order in which layers are made, not on the other layers. So the same layer of two architectures
starts from the same weights (a comparison of architectures isn't blurred by separate draws), and
the weights of many networks can be drawn in bulk and shared.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from tegnas.engine.program import CONSTANT, ParameterLayout


@lru_cache(maxsize=65536)
def initial_value(seed: int, name: str, shape: tuple[int, ...]) -> Tensor:
    """What a parameter starts from: float32, on the CPU; the tensor is shared, don't write it.

    Convolution and linear weights are Kaiming-normal of fan-in, N(0, 2 / fan_in) (He et al. 2015),
    as in the released code of the paper; norm scales are 1, biases 0. A program's constant factor
    has its value for a name.
    """
    if name.startswith(CONSTANT):
        return torch.full(shape, float(name.removeprefix(CONSTANT)))
    if len(shape) < 2:
        return torch.full(shape, 1.0 if name.endswith("weight") else 0.0)
    generator = torch.Generator().manual_seed(_stream(seed, name, shape))
    fan_in = math.prod(shape[1:])
    return torch.randn(shape, generator=generator).mul_(math.sqrt(2.0 / max(fan_in, 1)))


def _stream(seed: int, name: str, shape: tuple[int, ...]) -> int:
    digest = hashlib.blake2b(f"{seed}/{name}/{shape}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def initialise(network: nn.Module, seed: int) -> None:
    """Set every parameter of a network to its initial value, in place.

    Parameters on the meta device have no values and stay as they are.
    """
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.is_meta:
                continue
            parameter.copy_(initial_value(seed, name, tuple(parameter.shape)))


def initial_values(network: nn.Module, seeds: Sequence[int]) -> dict[str, Tensor]:
    """What ``initialise`` sets every parameter to, for many seeds: by name (seeds, *shape)."""
    return {
        name: torch.stack([initial_value(seed, name, tuple(each.shape)) for seed in seeds])
        for name, each in network.named_parameters()
    }


def initialised(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network that ``make`` makes, with its parameters at their initial values.

    Layers draw weights of their own when they are made; the caller's random state stays as it is.
    """
    with torch.random.fork_rng(devices=()):
        network = make()
    initialise(network, seed)
    return network


def initial_vector(layout: ParameterLayout, seed: int) -> Tensor:
    """The initial values of all parameters of a layout, float32 (size,).

    What ``initialise`` gives a network, program by program in bulk.
    """
    values = [initial_value(seed, name, shape) for name, shape, _ in layout.entries()]
    return torch.cat([value.reshape(-1) for value in values]) if values else torch.zeros(0)
