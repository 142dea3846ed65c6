"""What a refinement trained, why, and what it learned, as a part of a report."""

from __future__ import annotations

from typing import Any

from tegnas.refine import RefineResult
from tegnas.spaces import Space
from tegnas.spaces.short_form import short_form


def refinement(result: RefineResult, space: Space) -> dict[str, Any]:
    """The trainings in their order, the best, and what the model concludes."""
    return {
        "header": ["", "architecture", "why", "observed, %", "epochs", "truth, %"],
        "rows": [
            [
                str(number),
                short_form(space, each.arch),
                each.why,
                "" if each.observed is None else f"{each.observed:.2f}",
                "" if each.outcome is None else str(len(each.outcome.epochs)),
                "—" if each.truth is None else f"{each.truth:.2f}",
            ]
            for number, each in enumerate(result.trained, start=1)
        ],
        "told": [f"Best: {short_form(space, result.best.arch)}.", *result.conclusions()],
    }
