"""What every space that is a product of choices can do without more ado."""

from __future__ import annotations

import itertools
import random
import sys
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Sequence

from torch import nn

from tegnas.spaces.base import Architecture
from tegnas.spaces.factorised import Choice, combinations, mutate_one
from tegnas.spaces.printed import PrintedSpace
from tegnas.spaces.short_form import choice_code, may_be_code, read_choice_code


class ProductSpace(PrintedSpace):
    """Sampling, mutation and enumeration from ``choices``, ``encode`` and ``decode``.

    A subclass adds these three, ``name``, ``parse`` and ``network``.
    """

    name: str

    @abstractmethod
    def choices(self) -> tuple[Choice, ...]:
        """The independent choices, in a fixed order."""

    @abstractmethod
    def encode(self, arch: Architecture) -> tuple[int, ...]:
        """The index of the option taken in every choice."""

    @abstractmethod
    def decode(self, indices: Sequence[int]) -> Architecture:
        """The architecture with these options."""

    @abstractmethod
    def parse(self, text: str) -> Architecture:
        """The architecture that ``str`` or ``short`` printed; ``InputError`` for another text."""

    @abstractmethod
    def network(
        self, arch: Architecture, kind: str = "proxy", *, num_classes: int = 10, seed: int = 0
    ) -> nn.Module:
        """The untrained network of a kind."""

    def short(self, arch: Architecture) -> str:
        """A few letters that stand for the architecture, see ``tegnas.spaces.short_form``."""
        return choice_code(self.choices(), self.encode(arch))

    def read_short(self, text: str) -> Architecture | None:
        """The architecture that such letters stand for; None if the text is something else."""
        indices = read_choice_code(self.choices(), text) if may_be_code(text) else None
        return None if indices is None else self.decode(indices)

    def __len__(self) -> int:
        """How many architectures there are, or ``sys.maxsize`` if there are more."""
        return min(combinations(self.choices()), sys.maxsize)

    def __iter__(self) -> Iterator[Architecture]:
        """Every architecture; the last choice varies fastest."""
        for indices in itertools.product(*(range(len(each.options)) for each in self.choices())):
            yield self.decode(indices)

    def sample(self, rng: random.Random) -> Architecture:
        """An architecture drawn uniformly."""
        return self.decode([rng.randrange(len(each.options)) for each in self.choices()])

    def mutate(self, arch: Architecture, rng: random.Random) -> Architecture:
        """Another option in one choice, both drawn uniformly."""
        return self.decode(mutate_one(self.encode(arch), self.choices(), rng))

    def neighbours(self, arch: Architecture) -> Iterator[Architecture]:
        """Every architecture that differs in one choice."""
        indices = self.encode(arch)
        for position, choice in enumerate(self.choices()):
            for option in range(len(choice.options)):
                if option != indices[position]:
                    yield self.decode((*indices[:position], option, *indices[position + 1 :]))

    def canonical(self, arch: Architecture) -> Hashable:
        """The architecture itself: none is isomorphic to another."""
        return arch

    def representative(self, arch: Architecture) -> Architecture:
        """The architecture itself."""
        return arch

    def is_connected(self, arch: Architecture) -> bool:
        """Always: no choice of such a space cuts the network."""
        return True
