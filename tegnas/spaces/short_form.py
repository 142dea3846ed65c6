"""Short forms of architectures: a few letters that stand for one, and that ``parse`` reads back.

A space says them by ``short``. Of a product of choices it is the options taken, as numbers in base
36, one number for each group of choices: those whose names begin alike, as the choices of a stage
(``stage0.width``, ``stage0.depth``) or of a cell (``normal node 1 inputs``). So architectures that
differ in one stage differ in one place. Stable: it depends on the choices and their order alone.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from tegnas.spaces.base import Architecture, Space
from tegnas.spaces.factorised import Choice, Supernet

_BASE = 36
_CODE = re.compile(r"[0-9a-z-]+")
_GROUP_ENDS = re.compile(r"[. ]")


@runtime_checkable
class ShortSpace(Space, Protocol):
    """A space whose architectures have a form shorter than ``str``. Optional."""

    def short(self, arch: Architecture) -> str:
        """The short form, which ``parse`` reads back as the same architecture."""


def short_form(space: Space, arch: Architecture) -> str:
    """The short form of an architecture; its whole text where there is none, as of a supernet."""
    if isinstance(space, ShortSpace) and not isinstance(arch, Supernet):
        return space.short(arch)
    return str(arch)


def choice_code(choices: Sequence[Choice], indices: Sequence[int]) -> str:
    """The options taken in some choices, as described above."""
    rest = iter(indices)
    numbers = []
    for sizes in _groups(choices):
        number = 0
        for size in sizes:
            number = number * size + next(rest)
        numbers.append(to_base36(number, _letters(sizes)))
    return _joint(choices).join(numbers)


def read_choice_code(choices: Sequence[Choice], text: str) -> tuple[int, ...] | None:
    """The options that a text stands for; None if it is no such code."""
    groups = list(_groups(choices))
    pattern = _joint(choices).join(f"([0-9a-z]{{{_letters(sizes)}}})" for sizes in groups)
    match = re.fullmatch(pattern, text.strip())
    if match is None:
        return None
    indices: list[int] = []
    for sizes, digits in zip(groups, match.groups(), strict=True):
        number, taken = int(digits, _BASE), []
        for size in reversed(sizes):
            number, index = divmod(number, size)
            taken.append(index)
        if number:
            return None  # beyond the last combination
        indices += reversed(taken)
    return tuple(indices)


def may_be_code(text: str) -> bool:
    """Whether a text has the letters of a code: a quick look before ``choices`` is asked."""
    return _CODE.fullmatch(text.strip()) is not None


def to_base36(number: int, letters: int) -> str:
    """A number in base 36, with leading zeros."""
    return np.base_repr(number, _BASE).lower().zfill(letters)


def letters_for(combinations: int) -> int:
    """How many letters tell so many combinations apart."""
    letters = 1
    while _BASE**letters < combinations:
        letters += 1
    return letters


def _groups(choices: Sequence[Choice]) -> Iterator[list[int]]:
    """The numbers of options of the choices of each group."""
    for _, members in itertools.groupby(choices, lambda each: _GROUP_ENDS.split(each.name)[0]):
        yield [len(each.options) for each in members]


def _letters(sizes: Sequence[int]) -> int:
    return letters_for(math.prod(sizes))


def _joint(choices: Sequence[Choice]) -> str:
    """Between two numbers: nothing where each is a single letter."""
    return "-" if any(_letters(sizes) > 1 for sizes in _groups(choices)) else ""
