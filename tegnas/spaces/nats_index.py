"""The numbers that NAS-Bench-201 and NATS-Bench give to architectures, written ``index:9``."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache

from tegnas.errors import InputError

_WRITTEN = re.compile(r"index:(\d{1,9})")

# The benchmark of cells numbers the product of its choices shuffled by Python's generator with this
# seed; indices 0, 9 and 123, which its authors' scripts assert, are in the tests.
_CELLS_SEED = 88


def read_index(text: str, count: int) -> int | None:
    """The number in ``index:9``; None if the text is no such thing, ``InputError`` if too large."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    index = int(match[1])
    if index >= count:
        raise InputError(
            f"{text.strip()!r} is no architecture of the benchmark, whose indices end at "
            f"{count - 1}"
        )
    return index


def place_of(options: Sequence[int], counts: Sequence[int]) -> int:
    """Where a combination of options stands in the product of choices, the last one fastest."""
    place = 0
    for option, count in zip(options, counts, strict=True):
        place = place * count + option
    return place


def options_at(place: int, counts: Sequence[int]) -> tuple[int, ...]:
    """The combination of options at a place; inverse of ``place_of``."""
    options = []
    for count in reversed(counts):
        place, option = divmod(place, count)
        options.append(option)
    return tuple(reversed(options))


@lru_cache(maxsize=1)
def cell_places(count: int) -> tuple[int, ...]:
    """The place of every index of the benchmark of cells."""
    places = list(range(count))
    random.Random(_CELLS_SEED).shuffle(places)
    return tuple(places)


@lru_cache(maxsize=1)
def cell_indices(count: int) -> tuple[int, ...]:
    """The index of every place of the benchmark of cells."""
    places = cell_places(count)
    return tuple(sorted(range(count), key=places.__getitem__))
