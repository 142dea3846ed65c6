"""Networks as programs of the native engine: instructions over numbered values.

The encoding is the one of ``csrc/kernels/program/program.h``. Programs of many architectures share
one ``ParameterLayout``, so that a weight has one place in one vector whatever the architecture,
and the weights of a seed are drawn once for all of them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tegnas.engine.functions import FUNCTIONS
from tegnas.errors import InputError

FORMAT_VERSION = 1

CONV2D = 1
BATCH_NORM = 2
RELU = 3
AVG_POOL = 4
MAX_POOL = 5
ADD = 6
ZEROS = 7
SCALE = 8
CONCAT = 9
PAD = 10
GLOBAL_AVG_POOL = 11
LINEAR = 12

PRODUCT = 13
ACTIVATION = 14


@dataclass(frozen=True)
class Instruction:
    """What is the same for all instructions of one opcode.

    Attributes:
        name: of the text form.
        inputs: how many operands are numbers of values, which come first; None: all of them.
    """

    name: str
    inputs: int | None = 1


INSTRUCTIONS = {
    CONV2D: Instruction("conv2d"),
    BATCH_NORM: Instruction("batch_norm"),
    RELU: Instruction("relu"),
    AVG_POOL: Instruction("avg_pool"),
    MAX_POOL: Instruction("max_pool"),
    ADD: Instruction("add", None),
    ZEROS: Instruction("zeros", 0),
    SCALE: Instruction("scale"),
    CONCAT: Instruction("concat", None),
    PAD: Instruction("pad"),
    GLOBAL_AVG_POOL: Instruction("global_avg_pool"),
    LINEAR: Instruction("linear"),
    PRODUCT: Instruction("product", 2),
    ACTIVATION: Instruction("activation"),
}


_FUNCTION_NAMES = {function.number: name for name, function in FUNCTIONS.items()}

Shape = tuple[int, int, int]

# Name of a parameter that is a constant factor, followed by its value.
CONSTANT = "constant "


@dataclass(frozen=True)
class Part:
    """Consecutive output channels of a layer that a program computes in several parts.

    Attributes:
        first: the first of them.
        total: how many the layer has, as its parameters do.
    """

    first: int
    total: int


class ParameterLayout:
    """Where each parameter lies in the vector that programs read; grows as programs are made."""

    def __init__(self) -> None:
        self._offsets: dict[tuple[str, tuple[int, ...]], int] = {}
        self.size = 0

    def offset(self, name: str, shape: tuple[int, ...]) -> int:
        """The place of a parameter, made on first use."""
        key = (name, shape)
        found = self._offsets.get(key)
        if found is None:
            found = self._offsets[key] = self.size
            self.size += math.prod(shape)
        return found

    def entries(self) -> list[tuple[str, tuple[int, ...], int]]:
        """(name, shape, offset) of every parameter, in the order of the vector."""
        return [(name, shape, offset) for (name, shape), offset in self._offsets.items()]


@dataclass(frozen=True)
class Program:
    """A network for images of one shape; equal programs compute the same.

    Attributes:
        image_shape: (C, H, W) of the images.
        instructions: one tuple per instruction, (opcode, operands...).
        classes: number of logits, None where the program has none.
    """

    image_shape: Shape
    instructions: tuple[tuple[int, ...], ...]

    def encode(self, parameters: int) -> list[int]:
        """The words that the engine reads, for a parameter vector of the given length."""
        words = [FORMAT_VERSION, *self.image_shape, parameters, len(self.instructions)]
        for opcode, *operands in self.instructions:
            words += (opcode, len(operands) + 2, *operands)
        return words

    def __str__(self) -> str:
        lines = [f"%0 = image {self.image_shape}"]
        for index, (opcode, *operands) in enumerate(self.instructions, start=1):
            name, count = INSTRUCTIONS[opcode].name, INSTRUCTIONS[opcode].inputs
            inputs = operands[:count]
            rest = operands[len(inputs) :]
            if opcode == ACTIVATION:
                name = _FUNCTION_NAMES[rest[0]]
                rest = rest[1:]
            text = ", ".join([*(f"%{value}" for value in inputs), *map(str, rest)])
            lines.append(f"%{index} = {name}({text})")
        return "\n".join(lines)


@dataclass
class ProgramBuilder:
    """Writes a program instruction by instruction; methods return the number of the new value.

    Names are those of the parameters of the ``nn.Module``, shapes those of its tensors.
    """

    image_shape: Shape
    layout: ParameterLayout
    instructions: list[tuple[int, ...]] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shapes.append(self.image_shape)

    def build(self) -> Program:
        """The program; its last value is its result."""
        return Program(self.image_shape, tuple(self.instructions))

    def check_channels(self, channels: int) -> None:
        """Raise ``InputError`` unless the images have the channels that the network takes."""
        if self.image_shape[0] != channels:
            raise InputError(
                f"the network takes images of {channels} channels, got {self.image_shape[0]}; "
                "bring them to that number (a single channel: images.expand(-1, 3, -1, -1))"
            )

    def conv2d(
        self,
        value: int,
        name: str,
        out_channels: int,
        kernel_size: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        bias: bool = False,
        searched: bool = False,
        part: Part | None = None,
    ) -> int:
        """Convolution with the weight ``{name}.weight`` and, if asked, ``{name}.bias``.

        ``part``: which channels of the layer these ``out_channels`` are, where it has more;
        without groups.
        """
        channels, height, width = self.shapes[value]
        part = part or Part(0, out_channels)
        shape_of_one = (channels // groups, *kernel_size)
        weight = self.layout.offset(f"{name}.weight", (part.total, *shape_of_one))
        weight += part.first * math.prod(shape_of_one)
        bias_at = self.layout.offset(f"{name}.bias", (part.total,)) + part.first if bias else -1
        shape = (
            out_channels,
            _window_steps(height, kernel_size[0], stride[0], padding[0], dilation[0]),
            _window_steps(width, kernel_size[1], stride[1], padding[1], dilation[1]),
        )
        operands = (
            *kernel_size,
            *stride,
            *padding,
            *dilation,
            groups,
            weight,
            bias_at,
            int(searched),
        )
        return self._add(shape, CONV2D, value, out_channels, *operands)

    def batch_norm(
        self,
        value: int,
        name: str,
        eps: float,
        *,
        affine: bool = True,
        searched: bool = False,
        part: Part | None = None,
    ) -> int:
        """BatchNorm with ``{name}.weight`` and ``{name}.bias``, statistics of the batch.

        ``part``: which channels of the layer those of the value are, where it has more.
        """
        part = part or Part(0, self.shapes[value][0])
        weight = bias = -1
        if affine:
            weight = self.layout.offset(f"{name}.weight", (part.total,)) + part.first
            bias = self.layout.offset(f"{name}.bias", (part.total,)) + part.first
        operands = (_bits(eps), weight, bias, int(searched))
        return self._add(self.shapes[value], BATCH_NORM, value, *operands)

    def relu(self, value: int, *, counted: bool = True) -> int:
        """ReLU; ``counted`` ones belong to the activation pattern."""
        return self._add(self.shapes[value], RELU, value, int(counted))

    def activation(
        self, value: int, function: str, *, counted: bool | None = None, below: float = 0.0
    ) -> int:
        """A function of every number; a ReLU is ``relu``.

        Args:
            value: what it is of.
            function: one of ``FUNCTIONS``.
            counted: whether it belongs to the activation pattern: by its pieces where it is
                piecewise linear, by the signs of what enters it where it isn't. Without a word,
                all but ``sigmoid`` do, as in scores of modules.
            below: the factor below zero of ``leaky_relu`` and ``elu``.

        Raises:
            InputError: there is no such function, or it has no factor to choose.
        """
        if function not in FUNCTIONS:
            raise InputError(
                f"there is no activation {function}; choose one of {', '.join(FUNCTIONS)}"
            )
        known = FUNCTIONS[function]
        if below != 0 and known.below is None:
            have = ", ".join(name for name, each in FUNCTIONS.items() if each.below)
            raise InputError(f"{function} has no factor below zero to choose; these have: {have}")
        counts = known.counted if counted is None else counted
        operands = (known.number, _bits(below), int(counts))
        return self._add(self.shapes[value], ACTIVATION, value, *operands)

    def avg_pool(
        self,
        value: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        *,
        count_include_pad: bool,
    ) -> int:
        """Average pool, rounding the size down; of one pixel alone it is that."""
        shape = self._pooled(value, kernel_size, stride, padding)
        if self._is_one_pixel(value, shape) and not count_include_pad:
            return value
        operands = (*kernel_size, *stride, *padding, int(count_include_pad))
        return self._add(shape, AVG_POOL, value, *operands)

    def max_pool(
        self,
        value: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> int:
        """Max pool, rounding the size down; of one pixel alone it is that."""
        shape = self._pooled(value, kernel_size, stride, padding)
        if self._is_one_pixel(value, shape):
            return value
        return self._add(shape, MAX_POOL, value, *kernel_size, *stride, *padding)

    def add(self, values: Sequence[int]) -> int:
        """Sum of one value or more; a single one is returned as it is."""
        if len(values) == 1:
            return values[0]
        self._check_join("add", [self.shapes[value] for value in values])
        return self._add(self.shapes[values[0]], ADD, *values)

    def zeros(self, shape: Shape) -> int:
        """Zeros, for a node that nothing reaches."""
        return self._add(shape, ZEROS, *shape)

    def scale(self, value: int, name: str) -> int:
        """Product with one number, ``name``, which is not a weight of the kernel."""
        return self._add(self.shapes[value], SCALE, value, self.layout.offset(name, (1,)))

    def multiply(self, value: int, factor: float) -> int:
        """Product with a constant."""
        return self.scale(value, f"{CONSTANT}{factor!r}")

    def product(self, left: int, right: int) -> int:
        """Product of two values of one shape, or of one (C, 1, 1) with every pixel of another."""
        shapes = [self.shapes[left], self.shapes[right]]
        whole = [shape for shape in shapes if shape[1:] != (1, 1)] or shapes[:1]
        if shapes[0][0] != shapes[1][0]:
            raise InputError(
                f"values of {shapes[0][0]} and {shapes[1][0]} channels can't be multiplied"
            )
        self._check_join("multiply", whole)
        return self._add(whole[0], PRODUCT, left, right)

    def concat(self, values: Sequence[int]) -> int:
        """Concatenation along channels."""
        self._check_join("concatenate", [self.shapes[value][1:] for value in values])
        channels = sum(self.shapes[value][0] for value in values)
        return self._add((channels, *self.shapes[values[0]][1:]), CONCAT, *values)

    def pad(self, value: int, left: int, right: int, top: int, bottom: int) -> int:
        """Zero padding; negative numbers crop."""
        channels, height, width = self.shapes[value]
        shape = (channels, height + top + bottom, width + left + right)
        return self._add(shape, PAD, value, left, right, top, bottom)

    def global_avg_pool(self, value: int) -> int:
        """Mean over the image plane."""
        return self._add((self.shapes[value][0], 1, 1), GLOBAL_AVG_POOL, value)

    def linear(
        self, value: int, name: str, out_features: int, *, bias: bool = True, searched: bool = False
    ) -> int:
        """Linear layer on the flattened value."""
        weight = self.layout.offset(f"{name}.weight", (out_features, math.prod(self.shapes[value])))
        bias_at = self.layout.offset(f"{name}.bias", (out_features,)) if bias else -1
        return self._add(
            (out_features, 1, 1), LINEAR, value, out_features, weight, bias_at, searched
        )

    def _pooled(
        self,
        value: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Shape:
        channels, height, width = self.shapes[value]
        return (
            channels,
            _window_steps(height, kernel_size[0], stride[0], padding[0]),
            _window_steps(width, kernel_size[1], stride[1], padding[1]),
        )

    def _is_one_pixel(self, value: int, pooled: Shape) -> bool:
        """Whether a pool has one pixel to read, which a window always holds, and one to give."""
        return self.shapes[value][1:] == pooled[1:] == (1, 1)

    def _check_join(self, verb: str, shapes: Sequence[tuple[int, ...]]) -> None:
        """Sides that a stride doesn't divide come out of two paths with different sizes."""
        different = dict.fromkeys(shapes)
        if len(different) > 1:
            sizes = " and ".join("×".join(map(str, shape)) for shape in different)
            raise InputError(
                f"images of {self.image_shape[1]}×{self.image_shape[2]} don't fit the network: it "
                f"would {verb} values of {sizes}; take images whose sides are a multiple of its "
                "total stride"
            )

    def _add(self, shape: Shape, opcode: int, *operands: int) -> int:
        if shape[1] < 1 or shape[2] < 1:
            raise InputError(
                f"images of {self.image_shape[1]}×{self.image_shape[2]} are too small for the "
                f"network: {INSTRUCTIONS[opcode].name} would give {shape[1]}×{shape[2]}"
            )
        self.instructions.append((opcode, *map(int, operands)))
        self.shapes.append(shape)
        return len(self.instructions)


def _window_steps(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _bits(number: float) -> int:
    """Of a float64."""
    return struct.unpack("<q", struct.pack("<d", number))[0]
