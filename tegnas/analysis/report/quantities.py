"""What a report shows of an architecture: its indicators, their combination, its accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.figures.landscape import value_range
from tegnas.analysis.score_table import ScoreTable
from tegnas.indicators.base import HIGHER, LOWER
from tegnas.scoring.labels import combined_label


@dataclass(frozen=True, eq=False)
class Quantity:
    """One number of every architecture.

    Attributes:
        key: by which the page finds it; no indicator is called as a combination or accuracy are.
        label: of columns and axes.
        title: what it is, in a few words.
        better: ``"lower"`` or ``"higher"``.
        log: whether it spans orders of magnitude.
        values: as they are drawn, float64 (A,), NaN where there is none.
        texts: as tables show them.
    """

    key: str
    label: str
    title: str
    better: str
    log: bool
    values: np.ndarray
    texts: list[str]

    def to_json(self) -> dict[str, object]:
        """For the page; colours run over the middle 90 % of the values."""
        known = self.values[np.isfinite(self.values)]
        low, high = value_range(np.log10(known) if self.log else known)
        return {
            "key": self.key,
            "label": self.label,
            "title": self.title,
            "better": self.better,
            "log": self.log,
            "colours": [low, high],
            "values": [number(value) for value in self.values.tolist()],
            "texts": self.texts,
        }


def quantities(
    scores: ScoreTable, rank_scores: np.ndarray, accuracies: Mapping[str, float]
) -> list[Quantity]:
    """Indicators, rank score, and accuracy where a table knows one, of every architecture.

    Args:
        scores: the architectures.
        rank_scores: float64 (A,), NaN for what takes no part, as a supernet.
        accuracies: percent by architecture string.
    """
    found = []
    for each in scores.indicators:
        values = scores[each.name]
        hidden = np.isnan(each.drawn(values)) | scores.failed
        found.append(
            Quantity(
                each.name, each.label, each.title, each.better, each.log_scale,
                np.where(hidden, np.nan, values), [each.text(value) for value in values.tolist()],
            )
        )  # fmt: skip
    found.append(
        Quantity(
            "rank score", "rank score",
            f"{combined_label(scores.indicators)} by {scores.settings.combination}", LOWER, False,
            np.where(scores.failed, np.nan, rank_scores), list(map(number_text, rank_scores)),
        )
    )  # fmt: skip
    known = np.array([accuracies.get(str(arch), math.nan) for arch in scores.archs])
    if np.isfinite(known).any():
        texts = ["—" if math.isnan(value) else f"{value:.2f}" for value in known]
        found.append(
            Quantity("true accuracy", "accuracy, %", "test accuracy", HIGHER, False, known, texts)
        )
    return found


def number(value: float) -> float | None:
    """Six digits for the page; JSON has neither NaN nor infinity."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def number_text(value: float) -> str:
    """A number as tables show it."""
    if math.isnan(value):
        return "—"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
