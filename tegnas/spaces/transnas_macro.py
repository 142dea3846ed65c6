"""The macro space of TransNAS-Bench-101 (Duan et al., CVPR 2021, arXiv 2105.11871): 3,256 networks.

No product of choices: a network has four to six modules, and what one module may be depends on the
others.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from tegnas.errors import InputError
from tegnas.spaces.factorised import Choice
from tegnas.spaces.transnas import PUBLISHED, TransNasSpace, Wiring

MODULES = "1234"  # plain, channels doubled, resolution halved, both
LENGTHS = (4, 5, 6)
# How many modules double the channels, and how many halve the resolution, at least and at most.
DOUBLINGS = (1, 3)
HALVINGS = (1, 4)

_TEXT = re.compile(rf"{PUBLISHED.channels}-([{MODULES}]+)-basic")
_MICRO = re.compile(r"\d+-\d+-\d_\d\d_\d\d\d")


@dataclass(frozen=True)
class TransNasMacroArchitecture:
    """The modules: of each 1 plain, 2 channels doubled, 3 resolution halved, 4 both."""

    code: str

    def __str__(self) -> str:
        return f"{PUBLISHED.channels}-{self.code}-basic"


class TransNasMacro(TransNasSpace[TransNasMacroArchitecture]):
    """Four to six modules of two residual blocks: where channels double and resolution halves.

    One to three modules double the channels and one to four halve the resolution, which gives the
    3,256 networks of the benchmark (section 3.2 of the paper).

    Args:
        deep, deep_thin: sizes of the deep small networks.
        stem_stride: of each of the two convolutions of a small network's stem, see
            ``TransNasMicro``.
    """

    name = "transnas-macro"
    image_channels = 3

    def wiring(self, arch: TransNasMacroArchitecture) -> Wiring:
        """Its modules, of residual blocks."""
        return arch.code, None

    def parse(self, text: str) -> TransNasMacroArchitecture:
        """Read a network such as ``64-1234-basic``; ``InputError`` if it isn't of this space."""
        match = _TEXT.fullmatch(text.strip())
        if match and _is_valid(match[1]):
            return TransNasMacroArchitecture(match[1])
        if match:
            raise InputError(
                f"{text!r} is outside the macro space of TransNAS-Bench-101: of {LENGTHS[0]} to "
                f"{LENGTHS[-1]} modules {DOUBLINGS[0]} to {DOUBLINGS[1]} double the channels (2 "
                f"and 4), and {HALVINGS[0]} to {HALVINGS[1]} halve the resolution (3 and 4)"
            )
        if _MICRO.fullmatch(text.strip()):
            raise InputError(
                f"{text!r} is a cell of the micro space of TransNAS-Bench-101; name that space "
                "(transnas-micro)"
            )
        raise InputError(
            f"{text!r} is not a network of the macro space of TransNAS-Bench-101; it should look "
            f"like {PUBLISHED.channels}-1234-basic, with a digit from 1 to 4 per module"
        )

    def __len__(self) -> int:
        return len(_codes())

    def __iter__(self) -> Iterator[TransNasMacroArchitecture]:
        """Every architecture, the short ones first, else in the order of the digits."""
        return map(TransNasMacroArchitecture, _codes())

    def sample(self, rng: random.Random) -> TransNasMacroArchitecture:
        """An architecture drawn uniformly from all 3,256, so that most have six modules."""
        return TransNasMacroArchitecture(rng.choice(_codes()))

    def mutate(
        self, arch: TransNasMacroArchitecture, rng: random.Random
    ) -> TransNasMacroArchitecture:
        """A neighbour drawn uniformly."""
        return rng.choice(list(self.neighbours(arch)))

    def neighbours(self, arch: TransNasMacroArchitecture) -> Iterator[TransNasMacroArchitecture]:
        """Every architecture with another kind of one module, one module more, or one less.

        A module may come and go at any place. Each once, though several changes may give it.
        """
        code = arch.code
        found = [
            f"{code[:at]}{module}{code[end:]}"
            for at in range(len(code) + 1)
            for end in (at + 1, at)
            for module in (*MODULES, "")
        ]
        for each in dict.fromkeys(found):
            if each != code and _is_valid(each):
                yield TransNasMacroArchitecture(each)

    def choices(self) -> tuple[Choice, ...]:
        """The kind of each module, of the last two ``-`` for none; not all combinations exist."""
        return tuple(
            Choice(f"module{place}", ("-", *MODULES) if place >= LENGTHS[0] else tuple(MODULES))
            for place in range(LENGTHS[-1])
        )

    def encode(self, arch: TransNasMacroArchitecture) -> tuple[int, ...]:
        """The index of the option taken in every choice."""
        padded = arch.code.ljust(LENGTHS[-1], "-")
        return tuple(
            choice.options.index(kind) for choice, kind in zip(self.choices(), padded, strict=True)
        )

    def canonical(self, arch: TransNasMacroArchitecture) -> Hashable:
        """The architecture itself: none is isomorphic to another."""
        return arch

    def representative(self, arch: TransNasMacroArchitecture) -> TransNasMacroArchitecture:
        """The architecture itself."""
        return arch

    def is_connected(self, arch: TransNasMacroArchitecture) -> bool:
        """Always: every block has a way around it."""
        return True


def _is_valid(code: str) -> bool:
    doublings = sum(module in "24" for module in code)
    halvings = sum(module in "34" for module in code)
    return (
        len(code) in LENGTHS
        and DOUBLINGS[0] <= doublings <= DOUBLINGS[1]
        and HALVINGS[0] <= halvings <= HALVINGS[1]
    )


@lru_cache(maxsize=1)
def _codes() -> tuple[str, ...]:
    codes = (
        "".join(modules)
        for length in LENGTHS
        for modules in itertools.product(MODULES, repeat=length)
    )
    return tuple(filter(_is_valid, codes))
