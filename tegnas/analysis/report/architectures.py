"""Every architecture that a report shows, once: what its page looks up by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tegnas.analysis.report.drawings import drawings
from tegnas.analysis.report.quantities import Quantity, quantities
from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable, joined
from tegnas.errors import InputError
from tegnas.scoring.ranking import positions
from tegnas.search.evaluation import Evaluation
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import CodedSpace
from tegnas.spaces.short_form import short_form


@dataclass(frozen=True, eq=False)
class Listed:
    """The architectures of some scores, then what else was evaluated, as supernets.

    ``table`` holds them all; the first ``count`` are those that are compared with each other.
    """

    table: ScoreTable
    count: int

    @cached_property
    def numbers(self) -> Mapping[Architecture, int]:
        """Where an architecture stands in the list."""
        return {arch: index for index, arch in enumerate(self.table.archs)}

    @cached_property
    def compared(self) -> ScoreTable:
        """Those that are compared with each other."""
        return self.table.select(np.arange(self.count))

    @cached_property
    def rank_scores(self) -> np.ndarray:
        """Of the compared ones among each other, NaN for the others; float64 (A,)."""
        combined = np.full(len(self.table), np.nan)
        combined[: self.count] = self.compared.rank_score
        return combined

    def evaluations(self, history: Sequence[Evaluation]) -> list[int]:
        """Numbers of the architectures of some evaluations."""
        return [self.numbers[each.arch] for each in history]

    def quantities(self, accuracies: Mapping[str, float]) -> list[Quantity]:
        """The numbers of each."""
        return quantities(self.table, self.rank_scores, accuracies)

    def to_json(self) -> dict[str, Any]:
        """Texts, short forms, places, choices and cells of each."""
        space, archs = self.table.space, self.table.archs
        compared = self.rank_scores[: self.count]
        places = (positions(compared) + 1).tolist()
        return {
            "texts": [str(arch) for arch in archs],
            "short": [_short(space, arch) for arch in archs],
            "places": places + [None] * (len(archs) - self.count),
            "choices": [
                {"name": choice.name, "options": choice.options} for choice in space.choices()
            ]
            if isinstance(space, CodedSpace)
            else [],
            "codes": self.codes + [None] * (len(archs) - self.count),
            "cells": drawings(space, archs),
        }

    @cached_property
    def codes(self) -> list[Sequence[int] | None]:
        """The options that each of the compared takes, None where it can't be told by such."""
        space = self.table.space
        if not isinstance(space, CodedSpace):
            return [None] * self.count
        return [_code(space, arch) for arch in self.table.archs[: self.count]]


def _short(space: Space, arch: Architecture) -> str | None:
    short = short_form(space, arch)
    return None if short == str(arch) else short


def _code(space: CodedSpace, arch: Architecture) -> Sequence[int] | None:
    try:
        return space.encode(arch)
    except InputError:  # as a published DARTS cell with ``none``
        return None


def listed(scores: ScoreTable, runs: Sequence[Run]) -> Listed:
    """Everything of ``scores``, and what the runs evaluated besides."""
    seen = set(scores.archs)
    others = {
        each.arch: each.values
        for run in runs
        for each in run.result.history
        if each.arch not in seen
    }
    if not others:
        return Listed(scores, len(scores))
    values = np.array(list(others.values()), dtype=np.float64)
    rest = ScoreTable(scores.space, tuple(others), scores.settings, values)
    return Listed(joined([scores, rest]), len(scores))
