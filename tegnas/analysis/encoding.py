"""Architectures as points: one-hot codes of their choices, distances, and slices between two."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import numpy as np

from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import CodedSpace, FactorisedSpace

# Combinations of a slice's step that are looked at; beyond, they are drawn at random.
_PER_STEP = 24


def coded(space: Space) -> CodedSpace:
    """The space by the choices of its architectures; ``InputError`` for one that names none."""
    if not isinstance(space, CodedSpace):
        raise InputError(
            f"the space {space.name!r} can't be laid out: it has no choices and encode"
        )
    return space


def factorised(space: Space) -> FactorisedSpace:
    """The space as a product of choices; ``InputError`` for one that isn't."""
    if not isinstance(space, FactorisedSpace):
        raise InputError(
            f"there are no slices through the space {space.name!r}: it isn't a product of choices "
            "(choices, encode and decode), so that what lies between two architectures may be none"
        )
    return space


def encode(space: Space, archs: Sequence[Architecture]) -> np.ndarray:
    """The option taken in every choice (for cells, the operation of every edge), int64 (A, C)."""
    known = coded(space)
    codes = np.array([known.encode(arch) for arch in archs], dtype=np.int64)
    return codes.reshape(len(archs), len(known.choices()))


def one_hot(space: Space, archs: Sequence[Architecture]) -> np.ndarray:
    """One column per option of every choice, 1 where it is taken, float64 (A, options)."""
    codes = encode(space, archs)
    sizes = [len(choice.options) for choice in coded(space).choices()]
    return np.concatenate(
        [np.eye(size)[codes[:, column]] for column, size in enumerate(sizes)], axis=1
    )


def distances(codes: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Number of choices in which each row of (A, C) codes differs from one code, int64 (A,)."""
    return (codes != code).sum(1)


def slice_between(
    space: Space, start: Architecture, end: Architecture, *, seed: int = 0
) -> list[list[Architecture]]:
    """The architectures between two, by how many of their differences are made.

    Step k holds architectures with k of the choices of ``end`` and the rest of ``start``: all of
    them, or 24 random ones where there are more. The first step is ``start``, the last ``end``.
    """
    product = factorised(space)
    first, last = product.encode(start), product.encode(end)
    differing = [
        place for place, pair in enumerate(zip(first, last, strict=True)) if len(set(pair)) > 1
    ]
    rng = random.Random(seed)
    steps = []
    for count in range(len(differing) + 1):
        chosen = _subsets(differing, count, rng)
        steps.append(
            [
                product.decode([last[i] if i in made else first[i] for i in range(len(first))])
                for made in map(set, chosen)
            ]
        )
    return steps


def _subsets(places: Sequence[int], count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """All subsets of that size, or 24 random ones, without writing down the others."""
    if math.comb(len(places), count) <= _PER_STEP:
        return list(itertools.combinations(places, count))
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < _PER_STEP:
        drawn[tuple(sorted(rng.sample(places, count)))] = None
    return list(drawn)
