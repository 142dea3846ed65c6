"""Networks of architectures as jobs of the native engine: a program and its parameters.

A space that writes programs itself shares one parameter vector per seed among all architectures,
and where it has a template, many programs are written at once. The networks of other spaces are
traced, once per architecture where its weights are those that a seed gives by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tegnas.engine.lowering import CannotLower, LoweredModule, lower_module
from tegnas.engine.program import ParameterLayout, Program, Shape
from tegnas.engine.template import TemplateWriter
from tegnas.networks.initialise import initial_vector
from tegnas.ops import EngineJobs, Programs
from tegnas.parameters import searched_prefixes
from tegnas.regions import Regions, RegionsWarning
from tegnas.spaces import Architecture, ProgramSpace, Space
from tegnas.spaces.base import THIN_KINDS, InitialisedSpace, TemplateSpace

# A template holds the parameters of all architectures: for a few it would cost more than it saves.
_WORTH_A_TEMPLATE = 16


class JobMaker:
    """Makes jobs for networks of one kind, and keeps what architectures share.

    Their parameters are on ``device``. Patterns are asked of thin networks, and of others where
    ``patterns`` says so.
    """

    def __init__(
        self,
        space: Space,
        kind: str,
        *,
        num_classes: int,
        image_shape: Shape,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
        patterns: bool = False,
    ) -> None:
        self._space = space
        self._kind = kind
        self._num_classes = num_classes
        self._image_shape = image_shape
        self._seeds = tuple(seeds)
        self._device = device
        self._patterns = patterns or kind in THIN_KINDS
        self._layout = ParameterLayout()
        self._writer: TemplateWriter | None = None
        self._vector = torch.zeros(0)
        self._said = False

    def make(self, archs: Sequence[Architecture]) -> EngineJobs:
        """One job for every architecture and seed, the seeds of an architecture together.

        Raises ``CannotLower`` where a network holds something that programs don't have.
        """
        if isinstance(self._space, ProgramSpace):
            return self._written(self._space, archs)
        return self._traced(archs)

    def _written(self, space: ProgramSpace, archs: Sequence[Architecture]) -> EngineJobs:
        codes = self._from_template(archs)
        if codes is None:
            codes = self._one_by_one(space, archs)
        size, seeds = self._layout.size, len(self._seeds)
        if size * seeds != len(self._vector):
            vectors = [initial_vector(self._layout, seed) for seed in self._seeds]
            self._vector = torch.cat(vectors).to(self._device)
        return EngineJobs(
            codes,
            torch.arange(len(codes)).repeat_interleave(seeds),
            self._vector,
            (torch.arange(seeds) * size).repeat(len(codes)),
        )

    def _from_template(self, archs: Sequence[Architecture]) -> Programs | None:
        """The programs, where there is a template for them and it is worth its while."""
        if not archs or not isinstance(self._space, TemplateSpace):
            return None
        if self._writer is None and len(archs) < _WORTH_A_TEMPLATE:
            return None
        options = self._space.template_options(archs)
        if options is None:
            return None
        if self._writer is None:
            template = self._space.program_template(
                self._kind,
                num_classes=self._num_classes,
                image_shape=self._image_shape,
                layout=self._layout,
            )
            self._writer = TemplateWriter(template)
        return self._writer.write(np.array(options, dtype=np.int64), self._layout.size)

    def _one_by_one(self, space: ProgramSpace, archs: Sequence[Architecture]) -> Programs:
        programs = [
            space.program(
                arch,
                self._kind,
                num_classes=self._num_classes,
                image_shape=self._image_shape,
                layout=self._layout,
            )
            for arch in archs
        ]
        return Programs.of([program.encode(self._layout.size) for program in programs])

    def _traced(self, archs: Sequence[Architecture]) -> EngineJobs:
        codes, vectors = [], []
        for arch in archs:
            program, parameters = self._lowered_with_every_seed(arch)
            codes.append(program.encode(len(parameters[0])))
            vectors += parameters
        lengths = torch.tensor([0, *map(len, vectors)])
        return EngineJobs(
            codes,
            torch.arange(len(codes)).repeat_interleave(len(self._seeds)),
            (torch.cat(vectors) if vectors else torch.zeros(0)).to(self._device),
            lengths.cumsum(0)[:-1],
        )

    def _lowered_with_every_seed(self, arch: Architecture) -> tuple[Program, list[Tensor]]:
        """The program of an architecture, and its parameters for each of the seeds.

        Where weights are those that a seed gives by name, only the first network is made; that it
        has them is checked, in case a subclass sets others.
        """
        first, *others = self._seeds
        lowered = self._lowered(arch, first)
        by_name = isinstance(self._space, InitialisedSpace) and self._space.weights_by_name
        if by_name and _equal(lowered.parameters, initial_vector(lowered.layout, first)):
            vectors = [initial_vector(lowered.layout, seed) for seed in others]
        else:
            vectors = [self._lowered(arch, seed).parameters for seed in others]
        return lowered.program, [lowered.parameters, *vectors]

    def _lowered(self, arch: Architecture, seed: int) -> LoweredModule:
        network = self._space.network(arch, self._kind, num_classes=self._num_classes, seed=seed)
        lowered = lower_module(network, self._image_shape, _is_searched(network))
        if self._kind not in THIN_KINDS and not lowered.logits:
            raise CannotLower("it gives something other than logits (N, K)")
        if self._patterns:
            self._check_pattern(lowered)
        return lowered

    def _check_pattern(self, lowered: LoweredModule) -> None:
        """Say once, as regions of modules do, where activations without pieces aren't seen by R."""
        if not lowered.counted and lowered.uncounted:
            raise CannotLower("it has no activation that a pattern is made of")
        if self._kind not in THIN_KINDS:
            return
        found = Regions(0, 0, lowered.counted, lowered.uncounted)
        for caution in () if self._said else found.of_activations():
            warnings.warn(caution, RegionsWarning, stacklevel=2)
            self._said = True


def _equal(left: Tensor, right: Tensor) -> bool:
    return left.dtype == right.dtype and torch.equal(left, right)


def _is_searched(network: nn.Module) -> Callable[[str], bool]:
    named = searched_prefixes(network)
    prefixes = ("",) if named is None else named
    return lambda name: name.startswith(prefixes)
