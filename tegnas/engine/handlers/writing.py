"""What handlers write to: a program under way, and the values that they read and give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tegnas.engine.program import ParameterLayout, ProgramBuilder, Shape
from tegnas.engine.tracing import CannotLower


@dataclass(frozen=True)
class Value:
    """A value of the program, and whether it stands for a flattened (N, C·H·W) tensor."""

    number: int
    flat: bool = False


BATCH_SIZE = object()  # what x.size(0) gives: only good for reshaping


@dataclass
class Writing:
    """The program that is written.

    Attributes:
        image_shape: (C, H, W) of the images.
        is_searched: whether a parameter of that name is a searched weight.
        layout: where each parameter lies.
        build: writes instructions.
        constants: factors by their names in the layout.
    """

    image_shape: Shape
    is_searched: Callable[[str], bool]
    layout: ParameterLayout = field(default_factory=ParameterLayout)
    constants: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.build = ProgramBuilder(self.image_shape, self.layout)

    def shape(self, value: Value) -> Shape:
        """(C, H, W) of a value, flattened or not."""
        return self.build.shapes[value.number]

    def plane(self, name: str, value: Value) -> int:
        """The channels of an image that ``name`` reads; raises ``CannotLower`` of a flat one."""
        if value.flat:
            raise CannotLower(f"{name} reads a flattened image")
        return self.shape(value)[0]

    def check_channels(self, name: str, found: int, expected: int) -> None:
        """Raise ``CannotLower`` unless ``name`` reads the channels that it expects."""
        if found != expected:
            raise CannotLower(f"{name} expects {expected} channels and gets {found}")


def pair(value: Any) -> tuple[int, int]:
    """Of a number or two, as layers take them."""
    return tuple(value) if isinstance(value, list | tuple) else (value, value)
