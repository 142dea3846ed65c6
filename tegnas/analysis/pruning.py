"""The course of pruning: in which round each operation of a supernet went."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Space
from tegnas.spaces.factorised import NamedSupernetSpace, Supernet


@dataclass(frozen=True, eq=False)
class Pruning:
    """What was taken from a supernet, round by round.

    Attributes:
        edges, operations: names of the rows and columns.
        rounds: int64 (edges, operations): the round after which an operation went, from 1; 0 where
            it stayed, -1 where it never was.
        count: the number of rounds so far.
    """

    edges: tuple[str, ...]
    operations: tuple[str, ...]
    rounds: np.ndarray
    count: int


def pruning(space: Space, history: Sequence[Evaluation]) -> Pruning | None:
    """How a search by pruning went, as far as its history goes; None where it scored no supernets.

    In a round every supernet lacks one operation of the same supernet, which is so their union.
    None as well of a space that doesn't name the edges of its supernets.
    """
    scored = [each.arch for each in history if isinstance(each.arch, Supernet)]
    if not scored or not isinstance(space, NamedSupernetSpace):
        return None
    states = [
        _union(list(round_)) for _, round_ in itertools.groupby(scored, key=_number_of_operations)
    ]
    # A supernet that is itself scored before its removals begins no other round.
    states = [state for state, _ in itertools.groupby(states)]
    count = len(states)
    last = history[-1].arch
    if not isinstance(last, Supernet):
        states.append(tuple(map(frozenset, space.path_of(last).operations)))
    operations = tuple(dict.fromkeys(name for edge in space.supernet().operations for name in edge))
    rounds = np.full((len(states[0]), len(operations)), -1, dtype=np.int64)
    for row, column in np.ndindex(*rounds.shape):
        there = [operations[column] in state[row] for state in states]
        if there[0]:
            rounds[row, column] = 0 if all(there) else there.index(False)
    return Pruning(space.supernet_edges, operations, rounds, count)


def _number_of_operations(supernet: Supernet) -> int:
    return sum(map(len, supernet.operations))


def _union(supernets: Sequence[Supernet]) -> tuple[frozenset[str], ...]:
    edges = zip(*(each.operations for each in supernets), strict=True)
    return tuple(frozenset().union(*edge) for edge in edges)
