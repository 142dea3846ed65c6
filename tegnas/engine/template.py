"""Templates: the programs of all architectures of a space, of which each is a choice.

Written once per kind of network, by the same code that writes programs. Those of a whole set of
architectures then come from it in native code, in microseconds each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from tegnas.engine.program import ProgramBuilder, Shape
from tegnas.ops import Programs, write_programs

# As in csrc/kernels/program/template.h.
CHOOSE = 101
OR_ZEROS = 102

NOTHING = -1


@dataclass(frozen=True)
class ProgramTemplate:
    """What the programs of a space have in common.

    Attributes:
        image_shape: (C, H, W) of the images.
        edges: number of choices.
        whole: whether everything that isn't an option is written, and not only what the result
            needs.
        instructions: as of a program, with ``CHOOSE`` and ``OR_ZEROS`` besides.
        optional: of each, whether it belongs to an option.
    """

    image_shape: Shape
    edges: int
    whole: bool
    instructions: tuple[tuple[int, ...], ...]
    optional: tuple[bool, ...]

    def encode(self) -> np.ndarray:
        """The words that the engine reads, int64."""
        words = [*self.image_shape, self.edges, int(self.whole), len(self.instructions)]
        for (opcode, *operands), optional in zip(self.instructions, self.optional, strict=True):
            words += (opcode, len(operands) + 3, int(optional), *operands)
        return np.array(words, dtype=np.int64)


@dataclass
class TemplateBuilder(ProgramBuilder):
    """Writes a template: a program with choices, and with values that may be nothing."""

    optional: list[bool] = field(default_factory=list)
    _depth: int = 0

    def choose(self, edge: int, options: Sequence[Callable[[], int | None]]) -> int:
        """The value of the option that an architecture takes for an edge.

        Args:
            edge: its number.
            options: each writes what it computes and gives its value; None is nothing.
        """
        self._depth += 1
        values = [option() for option in options]
        self._depth -= 1
        shape = next(self.shapes[value] for value in values if value is not None)
        numbers = (NOTHING if value is None else value for value in values)
        return self._add(shape, CHOOSE, edge, *numbers)

    def or_zeros(self, value: int) -> int:
        """Zeros where a value is nothing."""
        return self._add(self.shapes[value], OR_ZEROS, value, *self.shapes[value])

    def template(self, edges: int, *, whole: bool) -> ProgramTemplate:
        """The template; see ``ProgramTemplate``."""
        return ProgramTemplate(
            self.image_shape, edges, whole, tuple(self.instructions), tuple(self.optional)
        )

    def _add(self, shape: Shape, opcode: int, *operands: int) -> int:
        self.optional.append(self._depth > 0)
        return super()._add(shape, opcode, *operands)


class TemplateWriter:
    """Writes programs from one template."""

    def __init__(self, template: ProgramTemplate) -> None:
        self._words = template.encode()

    def write(self, options: np.ndarray, parameters: int) -> Programs:
        """The programs of architectures.

        Args:
            options: int64 (A, edges), which option each takes for each edge.
            parameters: length of the vector that they read.

        Raises:
            ValueError: there is no such option, or nothing reaches the result.
        """
        code, offsets = write_programs(self._words, options, parameters)
        return Programs(torch.from_numpy(code), torch.from_numpy(offsets))
