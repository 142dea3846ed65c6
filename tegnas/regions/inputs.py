"""The inputs that linear regions are counted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from tegnas.errors import InputError


class InputSource(Protocol):
    """Where the inputs of a region count are drawn from."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """So many inputs, (count, …)."""


@dataclass(frozen=True)
class NormalInputs:
    """Standard normal inputs of one shape."""

    shape: tuple[int, ...]

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Float32 (count, *shape)."""
        return torch.randn(count, *self.shape, generator=generator)


@dataclass(frozen=True, eq=False)
class InputsLikeData:
    """Inputs that are drawn like the examples of a batch, every number by itself.

    Floating-point numbers are normal with the mean and standard deviation that the examples have at
    the same index of their first axis: the column of a table, the channel of a waveform or volume.
    Whole numbers are drawn from those that the examples have in the same place, with their
    frequencies.

    Attributes:
        examples: (N, …), on the CPU.
        shape: of one input: that of an example, or smaller in every axis but the first (of
            sequences of whole numbers in that one, too).
    """

    examples: Tensor
    shape: tuple[int, ...]

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Of the type of the examples, (count, *shape)."""
        if not self.examples.is_floating_point():
            corner = (slice(None), *(slice(size) for size in self.shape))
            places = self.examples[corner]
            if tuple(places.shape[1:]) != self.shape:
                raise InputError(
                    f"region inputs of {self.shape} can't be drawn like examples of "
                    f"{tuple(self.examples.shape[1:])}; give a shape that is no larger"
                )
            chosen = torch.randint(len(places), (count, *self.shape), generator=generator)
            return places.gather(0, chosen)
        axes = [0, *range(2, self.examples.dim())]
        std, mean = torch.std_mean(self.examples, axes, correction=0)
        shape = (1, len(mean), *[1] * (len(self.shape) - 1))
        normal = torch.randn(count, *self.shape, generator=generator)
        return normal * std.view(shape) + mean.view(shape)


@dataclass(frozen=True)
class OwnInputs:
    """Inputs that a network or space draws itself."""

    function: Callable[[int, torch.Generator], Tensor]

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """What the function gives."""
        return self.function(count, generator)


def inputs_of(network: nn.Module, examples: Tensor) -> InputSource | None:
    """The inputs that a network says it is counted on; None where it says nothing.

    It may have an attribute ``region_inputs``, a function of their number and a ``torch.Generator``
    that draws them, or ``region_input_shape``, the shape of one: standard normal, or whole numbers
    like those of the examples where these are such.
    """
    own = getattr(network, "region_inputs", None)
    if own is not None:
        return OwnInputs(own)
    shape = getattr(network, "region_input_shape", None)
    if shape is None:
        return None
    if examples.is_floating_point():
        return NormalInputs(tuple(shape))
    return InputsLikeData(examples.cpu(), tuple(shape))


def region_inputs(
    source: InputSource | tuple[int, ...], *, samples: int, batch_size: int, seed: int
) -> list[Tensor]:
    """Inputs of a source in batches, reproducible from the seed; of a shape, standard normal."""
    generator = torch.Generator().manual_seed(seed)
    drawn = NormalInputs(source) if isinstance(source, tuple) else source
    return list(drawn.draw(samples, generator).split(batch_size))
