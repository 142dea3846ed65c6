"""Landscapes as a page draws them: where each architecture lies, or medians over squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tegnas.analysis.figures.landscape import SINGLE_LIMIT
from tegnas.analysis.landscape import METHODS, lay_out
from tegnas.analysis.report.architectures import Listed
from tegnas.analysis.report.quantities import Quantity, number
from tegnas.errors import InputError

_GRID = 44  # squares across


def landscape(listed: Listed, drawn: Sequence[Quantity], method: str) -> dict[str, Any]:
    """Positions of the compared architectures, and the squares of many; or why there are none.

    Raises ``InputError`` for an unknown layout.
    """
    if method not in METHODS:
        raise InputError(f"unknown layout {method!r}; choose one of {', '.join(METHODS)}")
    try:
        points = lay_out(listed.compared, method).points
    except InputError as error:
        return {"missing": str(error)}
    found: dict[str, Any] = {
        "method": METHODS[method],
        "points": [[number(x), number(y)] for x, y in points.tolist()],
    }
    if len(points) > SINGLE_LIMIT:
        found |= _squares(points, listed, drawn)
    return found


def _squares(points: np.ndarray, listed: Listed, drawn: Sequence[Quantity]) -> dict[str, Any]:
    """By column and row: how many architectures, the best of them, the median of each quantity."""
    edges = [np.linspace(*_widened(points[:, axis]), _GRID + 1) for axis in range(2)]
    places = [np.digitize(points[:, axis], edges[axis]) - 1 for axis in range(2)]
    members: dict[tuple[int, int], list[int]] = {}
    for index, place in enumerate(zip(*(each.tolist() for each in places), strict=True)):
        members.setdefault(place, []).append(index)
    return {
        "x": ((edges[0][1:] + edges[0][:-1]) / 2).tolist(),
        "y": ((edges[1][1:] + edges[1][:-1]) / 2).tolist(),
        "squares": [
            {
                "column": column,
                "row": row,
                "count": len(inside),
                "best": min(inside, key=lambda index: listed.rank_scores[index]),
                "medians": [_median(each.values[inside]) for each in drawn],
            }
            for (column, row), inside in members.items()
        ],
    }


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return number(float(np.median(known))) if len(known) else None


def _widened(values: np.ndarray) -> tuple[float, float]:
    margin = 1e-6 + 0.01 * (values.max() - values.min())
    return values.min() - margin, values.max() + margin
