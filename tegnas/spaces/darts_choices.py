"""The DARTS space as a product of choices: inputs and operations of each node."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from tegnas.errors import InputError
from tegnas.networks.darts import NODES
from tegnas.spaces.darts_architecture import OPERATIONS, Pair
from tegnas.spaces.factorised import Choice


@lru_cache(maxsize=1)
def all_choices() -> tuple[Choice, ...]:
    """The choices of the normal cell, then those of the reduction cell."""
    choices = []
    for cell in ("normal", "reduce"):
        for node in range(NODES):
            options = _input_pairs(node)
            if len(options) > 1:
                texts = tuple(f"{left}+{right}" for left, right in options)
                choices.append(Choice(f"{cell} node {node} inputs", texts))
            for which in ("first", "second"):
                choices.append(Choice(f"{cell} node {node} {which} operation", OPERATIONS))
    return tuple(choices)


def encode_cell(cell: Sequence[Pair]) -> tuple[int, ...]:
    """The options that a cell takes.

    ``InputError`` for ``none``, which is no option, and for a node that reads one input twice.
    """
    indices = []
    for node in range(NODES):
        names, sources = zip(*cell[2 * node : 2 * node + 2], strict=True)
        if any(name not in OPERATIONS for name in names):
            raise InputError(
                f"none is no choice of the DARTS space; its operations are {', '.join(OPERATIONS)}"
            )
        options = _input_pairs(node)
        if sources not in options:
            raise InputError(
                f"a node that reads input {sources[0]} twice is no choice of the DARTS space; its "
                "nodes read two different inputs"
            )
        if len(options) > 1:
            indices.append(options.index(sources))
        indices += [OPERATIONS.index(name) for name in names]
    return tuple(indices)


def decode_cell(indices: Sequence[int]) -> tuple[Pair, ...]:
    """The cell that takes these options; inverse of ``encode_cell``."""
    rest = iter(indices)
    cell: list[Pair] = []
    for node in range(NODES):
        options = _input_pairs(node)
        sources = options[next(rest)] if len(options) > 1 else options[0]
        cell += [(OPERATIONS[next(rest)], source) for source in sources]
    return tuple(cell)


def _input_pairs(node: int) -> list[tuple[int, int]]:
    return list(combinations(range(node + 2), 2))
