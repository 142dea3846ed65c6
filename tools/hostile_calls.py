"""Operands for ``fuzz_operators.py``: mostly small and well-formed, with some hostile numbers.

A call is kept small unless a number is far beyond what any machine holds, so that it either ends
at once or is refused.
"""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tegnas import ops
from tegnas.engine.functions import FUNCTIONS
from tegnas.engine.lowering import LoweredModule, lower_module

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from instruction_samples import LAYERS, with_layer  # noqa: E402

LARGEST = 2**63 - 1
EXTREMES = (
    *(2**power + step for power in (31, 32, 40, 53, 61, 62) for step in (-1, 0, 1)),
    LARGEST,
    LARGEST - 1,
    -LARGEST - 1,
    -LARGEST,
    -(2**62),
    -(2**31),
    -1,
)


class Numbers:
    """Random numbers of one call; which of them are hostile is drawn once, for the whole call."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.hostility = rng.choice([0.0, 0.0, 0.02, 0.1, 0.3])

    def number(self, low: int, high: int) -> int:
        """From [low, high], or hostile."""
        if self.rng.random() < self.hostility:
            return self.rng.choice(EXTREMES)
        return self.rng.randint(low, high)

    def maybe(self, share: float) -> bool:
        return self.rng.random() < share

    def dtype(self) -> torch.dtype:
        if self.rng.random() < self.hostility / 3:
            return self.rng.choice([torch.float16, torch.int64, torch.complex64, torch.bool])
        return self.rng.choice([torch.float32, torch.float64])

    def tensor(self, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """Of a shape near this one: sizes may be wrong, or huge in a tensor without numbers."""
        sizes = list(shape)
        if self.rng.random() < self.hostility / 4 and sizes:
            sizes.pop()
        if self.rng.random() < self.hostility and sizes:
            sizes[self.rng.randrange(len(sizes))] = self.rng.choice([0, 0, 1, 2, 3])
        if self.rng.random() < self.hostility and len(sizes) >= 2:
            empty, huge = self.rng.sample(range(len(sizes)), 2)
            sizes[empty] = 0
            sizes[huge] = self.rng.choice([0, 1, 2**20, 2**36, 2**45, 2**61, LARGEST])
        dtype = dtype or self.dtype()
        try:
            if 0 in sizes:
                return torch.empty(sizes, dtype=dtype)
            return self._layout(self._values(sizes).to(dtype))
        except RuntimeError as error:  # torch itself doesn't make such a tensor
            raise ValueError(f"torch: {error}") from None

    def _values(self, sizes: list[int]) -> Tensor:
        generator = torch.Generator().manual_seed(self.rng.getrandbits(32))
        count = 1
        for size in sizes:
            count *= size
        if count > 2**16:  # one number, seen many times
            return torch.randn(1, generator=generator).expand(sizes[-1:]).reshape(sizes)
        values = torch.randn(sizes, generator=generator, dtype=torch.float64)
        if self.rng.random() < self.hostility:
            values.view(-1)[self.rng.randrange(count)] = self.rng.choice(
                [float("nan"), float("inf"), -float("inf"), 1e308, 1e-320, 0.0]
            )
        return values

    def _layout(self, tensor: Tensor) -> Tensor:
        kind = self.rng.choice(["plain", "plain", "transposed", "expanded", "strided"])
        if kind == "transposed" and tensor.dim() >= 2:
            return tensor.transpose(-1, -2).contiguous().transpose(-1, -2)
        if kind == "expanded" and tensor.dim() >= 1:
            return tensor[:1].expand(tensor.shape)
        if kind == "strided" and tensor.dim() >= 1:
            return torch.stack([tensor, tensor], dim=-1)[..., 0]
        return tensor


def eig_condition(n: Numbers) -> None:
    size = n.rng.choice([1, 2, 5, 17, 40])
    ops.eig_condition(n.tensor(n.rng.randint(0, 5), size, size))


def pattern_rank(n: Numbers) -> None:
    size = n.rng.choice([1, 2, 5, 17, 40, 130])
    ops.pattern_rank(n.tensor(n.rng.randint(0, 5), size, size))


def kernel_regression_error(n: Numbers) -> None:
    count, size, others, classes = (n.rng.randint(0, 9) for _ in range(4))
    ops.kernel_regression_error(
        n.tensor(count, size, size),
        n.tensor(count, others, size),
        n.tensor(size, classes),
        n.tensor(others, classes),
        ridge=n.rng.choice([0.0, 1e-3, float("nan"), float("inf"), -1e300]),
    )


def leave_one_out(n: Numbers) -> None:
    size = n.rng.choice([1, 2, 5, 17, 40])
    ops.leave_one_out(n.tensor(n.rng.randint(0, 5), size, size))


def pack_signs(n: Numbers) -> None:
    inputs = n.rng.randint(0, 9)
    layers = [
        n.tensor(inputs, *(n.rng.randint(0, 9) for _ in range(n.rng.randint(0, 3))))
        for _ in range(n.rng.randint(0, 3))
    ]
    ops.pack_signs(layers)


def count_regions(n: Numbers) -> None:
    shape = [n.rng.randint(0, 9) for _ in range(n.rng.choice([2, 3]))]
    ops.count_regions(n.tensor(*shape, dtype=n.rng.choice([torch.int64] * 9 + [torch.int32])))


def pattern_distances(n: Numbers) -> None:
    shape = [n.rng.randint(0, 9) for _ in range(n.rng.choice([2, 3]))]
    ops.pattern_distances(n.tensor(*shape, dtype=n.rng.choice([torch.int64] * 9 + [torch.int32])))


def ntk_gram(n: Numbers) -> None:
    networks, images, others = n.rng.randint(0, 2), n.rng.randint(0, 5), n.rng.randint(0, 4)
    kinds = [n.rng.choice([_convolution, _linear, _scale]) for _ in range(n.rng.randint(1, 3))]
    made = [kind(n, networks) for kind in kinds]
    left = [make(images) for make, _ in made]
    right = [make(others) for make, _ in made] if n.maybe(0.4) else []
    geometry = [number for _, numbers in made for number in numbers]
    if n.rng.random() < n.hostility / 3:
        geometry = geometry[: n.rng.randint(0, len(geometry))]
    torch.ops.tegnas.ntk_gram(
        [x for x, _ in left],
        [g for _, g in left],
        [x for x, _ in right],
        [g for _, g in right],
        geometry,
    )


Made = tuple[Callable[[int], tuple[Tensor, Tensor]], list[int]]


def _convolution(n: Numbers, networks: int) -> Made:
    groups = n.number(1, 3)
    size, kernel, stride, dilation, padding = (
        [n.number(low, high) for _ in range(2)]
        for low, high in ((1, 8), (1, 3), (1, 3), (1, 2), (0, 3))
    )
    size = [each if 0 < each <= 8 else 4 for each in size]
    out = [
        max(0, (s + 2 * p - d * (k - 1) - 1) // max(1, t) + 1)
        for s, p, d, k, t in zip(size, padding, dilation, kernel, stride, strict=True)
    ]
    out = [each if each <= 16 else n.rng.randint(0, 8) for each in out]
    per_group = n.rng.randint(0, 3)
    channels = (groups * per_group) if 0 < groups <= 3 else n.rng.randint(0, 4)
    outputs = (groups * n.rng.randint(0, 9)) if 0 < groups <= 3 else n.rng.randint(0, 4)
    dtype = n.dtype()
    geometry = [n.rng.choice([0] * 99 + [7]), *kernel, *stride, *padding, *dilation, groups]
    return (
        lambda images: (
            n.tensor(networks, images, channels, *size, dtype=dtype),
            n.tensor(networks, images, outputs, *out, dtype=dtype),
        ),
        geometry,
    )


def _linear(n: Numbers, networks: int) -> Made:
    positions, inputs, outputs = n.rng.randint(0, 9), n.rng.randint(0, 20), n.rng.randint(0, 20)
    dtype = n.dtype()
    return (
        lambda images: (
            n.tensor(networks, images, positions, inputs, dtype=dtype),
            n.tensor(networks, images, positions, outputs, dtype=dtype),
        ),
        [1, *(n.number(1, 1) for _ in range(9))],
    )


def _scale(n: Numbers, networks: int) -> Made:
    channels, positions, dtype = n.rng.randint(0, 20), n.rng.randint(0, 9), n.dtype()
    return (
        lambda images: (
            n.tensor(networks, images, channels, positions, dtype=dtype),
            n.tensor(networks, images, channels, positions, dtype=dtype),
        ),
        [2, *(n.number(1, 1) for _ in range(9))],
    )


class _Program:
    """A random program; instructions mostly fit each other, numbers may be hostile."""

    def __init__(self, n: Numbers) -> None:
        self.n = n
        self.shapes = [(n.rng.randint(0, 3), n.rng.randint(1, 8), n.rng.randint(1, 8))]
        self.words: list[int] = []
        self.instructions = 0
        self.parameters = 0
        for _ in range(n.rng.randint(0, 10)):
            self._random()
        if not n.maybe(0.1):
            self._write(11, [self._value()], (self.shapes[-1][0], 1, 1))
            channels, out = self.shapes[-1][0], n.rng.randint(1, 4)
            offset = self._take(out * channels)
            last = len(self.shapes) - 1
            self._write(12, [n.number(last, last), n.number(out, out), offset, -1, 1], (out, 1, 1))

    def code(self) -> list[int]:
        n, (channels, height, width) = self.n, self.shapes[0]
        header = [
            n.number(1, 1),
            n.number(channels, channels),
            n.number(height, height),
            n.number(width, width),
            n.number(self.parameters, self.parameters),
            n.number(self.instructions, self.instructions),
        ]
        code = header + self.words
        if n.rng.random() < n.hostility / 3:
            code = code[: n.rng.randint(0, len(code))]
        if n.rng.random() < n.hostility / 3 and code:
            code[n.rng.randrange(len(code))] = n.rng.choice(EXTREMES)
        return code

    def _value(self) -> int:
        return len(self.shapes) - 1 - self.n.rng.randint(0, min(2, len(self.shapes) - 1))

    def _take(self, count: int) -> int:
        offset = self.parameters
        self.parameters += count
        return self.n.number(offset, offset)

    def _write(self, opcode: int, operands: list[int], shape: tuple[int, int, int]) -> None:
        length = len(operands) + 2
        self.words += [opcode, self.n.number(length, length), *operands]
        self.shapes.append(shape)
        self.instructions += 1

    def _windows(self, shape: tuple[int, int, int], conv: bool) -> tuple[list[int], list[int]]:
        n = self.n
        kernel = [n.number(1, 3) for _ in range(2)]
        stride = [n.number(1, 2) for _ in range(2)]
        pad = [n.number(0, 1 if k > 1 else 0) for k in kernel]
        dilation = [n.number(1, 2) if conv else 1 for _ in range(2)]
        out = [
            (s + 2 * p - d * (k - 1) - 1) // max(1, t) + 1
            for s, p, d, k, t in zip(shape[1:], pad, dilation, kernel, stride, strict=True)
        ]
        return [*kernel, *stride, *pad, *(dilation if conv else [])], out

    def _random(self) -> None:
        n = self.n
        value = self._value()
        channels, height, width = shape = self.shapes[value]
        source = n.number(value, value)
        kind = n.rng.randint(1, 12)
        if kind == 1:
            groups = channels if channels > 0 and n.maybe(0.3) else 1
            outputs = groups * n.rng.randint(0, 3)
            window, out = self._windows(shape, conv=True)
            taps = window[0] * window[1] if all(1 <= k <= 3 for k in window[:2]) else 1
            weight = self._take(max(0, outputs * (channels // groups) * taps))
            bias = self._take(outputs) if n.maybe(0.3) else -1
            operands = [source, n.number(outputs, outputs), *window, n.number(groups, groups)]
            self._write(1, [*operands, weight, bias, n.number(0, 1)], (outputs, *_sane(out)))
        elif kind == 2:
            eps = n.rng.choice([1e-5] * 60 + [0.0, -1.0, float("nan"), float("inf")])
            bits = struct.unpack("<q", struct.pack("<d", eps))[0]
            weight = self._take(channels) if n.maybe(0.7) else -1
            self._write(2, [source, bits, weight, -1, n.number(0, 1)], shape)
        elif kind == 3:
            self._write(3, [source, n.number(0, 1)], shape)
        elif kind in (4, 5):
            window, out = self._windows(shape, conv=False)
            extra = [n.number(0, 1)] if kind == 4 else []
            self._write(kind, [source, *window, *extra], (channels, *_sane(out)))
        elif kind == 6:
            alike = [v for v, other in enumerate(self.shapes) if other == shape]
            chosen = [n.rng.choice(alike) for _ in range(n.rng.randint(0, 2))]
            self._write(6, [source, *chosen], shape)
        elif kind == 7:
            self._write(7, [n.number(size, size) for size in shape], shape)
        elif kind == 8:
            self._write(8, [source, self._take(1)], shape)
        elif kind == 9:
            self._write(9, [source, value], (2 * channels, height, width))
        elif kind == 11:
            fits = [
                v
                for v, other in enumerate(self.shapes)
                if other == shape or other == (channels, 1, 1)
            ]
            self._write(13, [source, n.rng.choice(fits)], shape)
        elif kind == 12:
            function = n.number(1, len(FUNCTIONS))
            chosen = [each for each in FUNCTIONS.values() if each.number == function and each.below]
            below = [0.1, 0.1, float("nan"), float("inf")] if chosen else [0.0] * 30 + [0.5]
            bits = struct.unpack("<q", struct.pack("<d", n.rng.choice(below)))[0]
            self._write(14, [source, function, bits, n.number(0, 1)], shape)
        else:
            sides = [n.number(0, 2) for _ in range(4)]
            sane = [side if -2 <= side <= 2 else 0 for side in sides]
            padded = (channels, height + sane[2] + sane[3], width + sane[0] + sane[1])
            self._write(10, [source, *sides], padded)


class _Sample(_Program):
    """The program of a network around one instruction, of which numbers may be hostile."""

    def __init__(self, n: Numbers) -> None:
        lowered = _samples()[n.rng.randrange(len(_samples()))]
        self.n = n
        self.shapes = [lowered.program.image_shape]
        self.instructions = len(lowered.program.instructions)
        self.parameters = lowered.layout.size
        self.words = []
        for opcode, *operands in lowered.program.instructions:
            length = len(operands) + 2
            self.words += [opcode, n.number(length, length)]
            self.words += [n.number(each, each) for each in operands]


@cache
def _samples() -> list[LoweredModule]:
    return [lower_module(with_layer(layer()), (2, 6, 5)) for _, layer in LAYERS]


def _sane(sizes: list[int]) -> tuple[int, int]:
    height, width = (size if 1 <= size <= 32 else 1 for size in sizes)
    return height, width


def _any_program(n: Numbers) -> _Program:
    return _Sample(n) if n.rng.random() < 0.3 else _Program(n)


def _jobs(n: Numbers) -> tuple[ops.EngineJobs, tuple[int, int, int], torch.dtype]:
    programs = [_any_program(n) for _ in range(n.rng.choice([1, 1, 2]))]
    longest = max(program.parameters for program in programs)
    dtype = n.dtype()
    jobs = n.rng.randint(0, 3)
    last = len(programs) - 1
    made = ops.EngineJobs(
        [program.code() for program in programs],
        torch.tensor([n.number(0, last) for _ in range(jobs)], dtype=torch.int64),
        n.tensor(longest + n.rng.randint(0, 3), dtype=dtype),
        torch.tensor([n.number(0, 1) for _ in range(jobs)], dtype=torch.int64),
    )
    return made, programs[0].shapes[0], dtype


def engine_ntk(n: Numbers) -> None:
    jobs, shape, dtype = _jobs(n)
    x = n.tensor(n.rng.randint(0, 5), *shape, dtype=dtype)
    y = n.tensor(n.rng.randint(0, 3), *shape, dtype=dtype) if n.maybe(0.5) else None
    ops.engine_ntk(
        jobs,
        x,
        y,
        batch_norm=n.rng.choice(["frozen"] * 20 + ["coupled"] * 20 + ["other"]),
        outputs=n.rng.choice(["sum"] * 20 + ["trace"] * 10 + [""]),
        weights=n.rng.choice(["all"] * 20 + ["searched"] * 10 + [""]),
        distances=n.maybe(0.5),
    )


def engine_regions(n: Numbers) -> None:
    _of_patterns(n, ops.engine_regions)


def engine_pattern_distances(n: Numbers) -> None:
    _of_patterns(n, ops.engine_pattern_distances)


def _of_patterns(n: Numbers, op: Callable[..., Tensor]) -> None:
    jobs, shape, dtype = _jobs(n)
    sets = [n.rng.randint(1, 3)] if n.maybe(0.3) else []
    inputs = n.tensor(*sets, n.rng.randint(0, 9), *shape, dtype=dtype)
    op(jobs, inputs, batch_size=n.number(1, 5))


def engine_plan(n: Numbers) -> None:
    programs = [_any_program(n) for _ in range(n.rng.choice([1, 2]))]
    ops.engine_plan(
        [program.code() for program in programs],
        [n.number(0, len(programs) - 1) for _ in range(n.rng.randint(0, 4))],
        images=n.number(0, 9),
        others=n.number(0, 9),
        batch_norm=n.rng.choice(["frozen", "coupled"]),
        memory=n.number(1, 2**20),
    )


def prepare_launches(n: Numbers) -> None:
    jobs, _, _ = _jobs(n)
    ops.prepare_launches(
        jobs, images=n.number(0, 9), regions=n.maybe(0.5), memory=n.number(1, 2**20)
    )


def write_programs(n: Numbers) -> None:
    edges, instructions = n.rng.randint(0, 3), n.rng.randint(1, 8)
    words: list[int] = []
    options = 3
    for value in range(instructions):
        source = n.number(value - n.rng.randint(0, min(1, value)), value)
        opcode, operands = n.rng.choice(
            [
                (3, [source, 1]),
                (6, [source, n.number(0, value)]),
                (7, [2, 4, 4]),
                (9, [source, source]),
                (11, [source]),
                (102, [source, 2, 4, 4]),
                *[(101, [n.number(0, max(0, edges - 1)), source, -1, n.number(0, value)])] * 3,
            ]
        )
        length = len(operands) + 3
        words += [n.number(opcode, opcode), n.number(length, length), n.number(0, 1), *operands]
    header = [2, 4, 4, edges, 0, instructions]
    code = [n.number(each, each) for each in header] + words
    rows = n.rng.choice([0, 1, 5])
    if edges == 0:
        rows = n.number(rows, rows) % 2**60  # an array without numbers may have any
    taken = [n.number(0, options - 1) for _ in range(min(rows, 5) * edges)]
    ops.write_programs(
        np.array(code, dtype=np.int64),
        np.array(taken, dtype=np.int64).reshape(rows, edges),
        n.number(0, 9),
    )


CALLS: dict[str, Callable[[Numbers], None]] = {
    function.__name__: function
    for function in (
        eig_condition,
        pattern_rank,
        leave_one_out,
        kernel_regression_error,
        pack_signs,
        count_regions,
        pattern_distances,
        ntk_gram,
        engine_ntk,
        engine_regions,
        engine_pattern_distances,
        engine_plan,
        prepare_launches,
        write_programs,
    )
}
