"""Sizes of DARTS networks: every edge adds its share, whatever the others are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.darts import ALL_NODES, NODES, CellPlan, Edge
from tegnas.networks.darts_evaluation import DartsNetwork

_Size = tuple[int, int]
_Cell = Sequence[tuple[str, int]]
_NONE = "none"


def network_size(
    normal: _Cell,
    reduction: _Cell,
    outputs: tuple[int, int],
    num_classes: int,
    image_shape: tuple[int, int, int],
) -> _Size:
    """Parameters and FLOPs of the published network, without its auxiliary classifier.

    Args:
        normal, reduction: rows of (operation, input) pairs, two for each node.
        outputs: how many nodes the normal and the reduction cell put out.
    """
    total = list(_frame(outputs, num_classes, image_shape))
    for is_reduction, pairs in ((False, normal), (True, reduction)):
        for name, source in pairs:
            share = _share(is_reduction, name, source < 2, num_classes, image_shape)
            total = [a + b for a, b in zip(total, share, strict=True)]
    return total[0], total[1]


@lru_cache(maxsize=256)
def _share(
    is_reduction: bool,
    name: str,
    reads_input: bool,
    num_classes: int,
    image_shape: tuple[int, int, int],
) -> _Size:
    """What one operation adds, in all cells of its kind; it depends on whether it has stride 2."""
    if name == _NONE:
        return 0, 0
    source = 0 if reads_input else 2
    cell = _plan(NODES, (1, (source, (name,))))
    empty = _plan(NODES)
    with_it = _size(*((empty, cell) if is_reduction else (cell, empty)), num_classes, image_shape)
    frame = _frame((NODES, NODES), num_classes, image_shape)
    return with_it[0] - frame[0], with_it[1] - frame[1]


@lru_cache(maxsize=32)
def _frame(outputs: tuple[int, int], num_classes: int, image_shape: tuple[int, int, int]) -> _Size:
    """What is outside of the edges."""
    normal, reduction = map(_plan, outputs)
    return _size(normal, reduction, num_classes, image_shape)


def _plan(outputs: int, *placed: tuple[int, Edge]) -> CellPlan:
    """A cell of ``none`` with an operation put in at the first place of some nodes."""
    edges: list[list[Edge]] = [[(0, (_NONE,)), (1, (_NONE,))] for _ in range(NODES)]
    for node, edge in placed:
        edges[node][0] = edge
    return CellPlan(edges, ALL_NODES[:outputs])


def _size(
    normal: CellPlan, reduction: CellPlan, num_classes: int, image_shape: tuple[int, int, int]
) -> _Size:
    with torch.device("meta"):
        network = DartsNetwork(normal, reduction, num_classes=num_classes, auxiliary=False)
    return count_parameters(network), count_flops(network, image_shape)
