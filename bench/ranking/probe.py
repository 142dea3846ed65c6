"""One way of looking at an architecture: a network, images, and the kernels that come out."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

import tegnas
from tegnas import ops
from tegnas.data import Batch
from tegnas.engine.program import (
    BATCH_NORM,
    CONV2D,
    LINEAR,
    ParameterLayout,
    Program,
)
from tegnas.networks.initialise import initial_value
from tegnas.networks.nasbench201_program import proxy_program

CHUNK = 64


@dataclass(frozen=True)
class Probe:
    """Everything that the kernels of an architecture depend on, but the architecture.

    Attributes:
        source: ``cifar`` or ``noise``.
        size: height and width of the images.
        images: N of the first batch, and of the second where there is one.
        draw: seed of the choice of images.
        network: seed of the weights.
        channels: of the first stage.
        cells: per stage.
        initialisation: ``kaiming`` (fan-in, the package's), ``fan-out``, ``default`` (PyTorch's
            uniform) or ``xavier``; all normal but the default.
        body: the weights of the second kernel: ``cells``, or one part of the network:
            ``stage0``, ``stage1``, ``stage2``, ``reduction``, ``searched`` (no reductions),
            ``convolutions`` (no norm scales), ``ends`` (outside the cells).
        outputs: ``sum`` or ``trace``.
        lean: only the kernel of all weights on the first batch.
    """

    source: str = "cifar"
    size: int = 32
    images: int = 64
    draw: int = 0
    network: int = 0
    channels: int = 3
    cells: int = 1
    initialisation: str = "kaiming"
    body: str = "cells"
    outputs: str = "sum"
    lean: bool = False

    def key(self) -> str:
        """A short text that is another for every probe."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Kernels:
    """What a probe gives for some architectures; a lean one gives only ``whole``.

    Attributes:
        whole: NTK of all weights, float64 (A, N, N).
        body: NTK of the body, float64 (A, N, N).
        cross: NTK of the body between the second batch and the first, float64 (A, N, N).
    """

    whole: Tensor
    body: Tensor | None = None
    cross: Tensor | None = None


class Prober:
    """Computes the kernels of one probe."""

    def __init__(self, probe: Probe, images: str) -> None:
        self.batch = load(probe, images)
        self._probe = probe
        self._space = tegnas.get_space("nas-bench-201")

    def __call__(self, archs: Sequence[str]) -> Kernels:
        """All kernels of the probe."""
        jobs = self._jobs(archs)
        x, y = self.batch.images, self.batch.val_images
        if self._probe.lean:
            return Kernels(ops.engine_ntk(jobs, x, outputs=self._probe.outputs)[0])
        return Kernels(*ops.engine_ntk(jobs, x, y, outputs=self._probe.outputs))

    def body(self, archs: Sequence[str]) -> Tensor:
        """The kernel of the body on the first batch alone, float64 (A, N, N)."""
        return ops.engine_ntk(self._jobs(archs), self.batch.images, outputs=self._probe.outputs)[1]

    def _jobs(self, archs: Sequence[str]) -> ops.EngineJobs:
        layout = ParameterLayout()
        programs = [
            proxy_program(
                self._space.parse(arch).operations,
                self._probe.channels,
                self.batch.num_classes,
                self.batch.image_shape,
                layout,
                self._probe.cells,
            )
            for arch in archs
        ]
        if self._probe.body != "cells":
            programs = [_with_body(each, layout, self._probe.body) for each in programs]
        return ops.EngineJobs(
            [program.encode(layout.size) for program in programs],
            torch.arange(len(programs)),
            _parameters(layout, self._probe),
            torch.zeros(len(programs), dtype=torch.int64),
        )


def load(probe: Probe, images: str) -> Batch:
    """The images of a probe; smaller ones are resized."""
    source = images if probe.source == "cifar" else probe.source
    n = probe.images
    return tegnas.load_batch(source, train=n, val=n, seed=probe.draw, size=probe.size)


def _parameters(layout: ParameterLayout, probe: Probe) -> Tensor:
    values = []
    for name, shape, _ in layout.entries():
        value = initial_value(probe.network, name, shape)
        if len(shape) >= 2:
            value = _rescaled(value, shape, probe.initialisation)
        values.append(value.reshape(-1))
    return torch.cat(values)


def _rescaled(value: Tensor, shape: tuple[int, ...], initialisation: str) -> Tensor:
    """Kaiming-normal weights turned into those of another initialisation."""
    fan_in = math.prod(shape[1:])
    fan_out = shape[0] * math.prod(shape[2:])
    standard = value / math.sqrt(2 / fan_in)
    if initialisation == "fan-out":
        return standard * math.sqrt(2 / fan_out)
    if initialisation == "xavier":
        return standard * math.sqrt(2 / (fan_in + fan_out))
    if initialisation == "default":
        # The normal distribution function makes it uniform.
        uniform = 2 * torch.special.ndtr(standard) - 1
        return uniform / math.sqrt(fan_in)
    return value


def _with_body(program: Program, layout: ParameterLayout, body: str) -> Program:
    names = {offset: name for name, _, offset in layout.entries()}
    weight_at = {CONV2D: -3, BATCH_NORM: -3, LINEAR: -3}
    instructions = []
    for opcode, *operands in program.instructions:
        if opcode in weight_at:
            name = names[operands[weight_at[opcode]]]
            operands[-1] = int(_belongs(name, body))
        instructions.append((opcode, *operands))
    return Program(program.image_shape, tuple(instructions))


def _belongs(name: str, body: str) -> bool:
    if body == "searched":
        return name.startswith("stage")
    if body == "convolutions":
        return name.startswith(("stage", "reduction")) and ".bn." not in name
    if body == "ends":
        return name.startswith(("stem", "last", "classifier"))
    return name.startswith(body)
