"""Indicators, their combinations, other scores and trivial baselines against accuracy."""

from __future__ import annotations

import itertools
import random
from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.baselines import baselines
from tegnas.analysis.correlation import TOP, Correlation, correlate
from tegnas.analysis.score_table import ScoreTable
from tegnas.errors import InputError
from tegnas.indicators.base import EXTRA, Indicator
from tegnas.scoring.labels import combined_label
from tegnas.spaces import Architecture, Space


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every score against accuracy, on every stratum.

    Attributes:
        archs: the architectures compared, those whose accuracy is known.
        accuracy: float64 (A,), percent.
        columns: scores by name, float64 (A,) each, higher is better; NaN is missing.
        indicators: those among the columns, by the name of their column.
        milliseconds: per architecture, where that was measured.
        unknown: scored architectures that were left out because their accuracy isn't known.
        strata: correlations by name of the stratum, one per column in the same order.
    """

    archs: tuple[Architecture, ...]
    accuracy: np.ndarray
    columns: dict[str, np.ndarray]
    indicators: dict[str, Indicator]
    milliseconds: dict[str, float]
    unknown: int
    strata: dict[str, tuple[Correlation, ...]]


def compare(
    scores: ScoreTable,
    accuracies: Mapping[str, float],
    *,
    further: Mapping[str, ScoreTable] | None = None,
    milliseconds: Mapping[str, Mapping[str, float]] | None = None,
    others: Mapping[str, Mapping[str, float]] | None = None,
    top: float = TOP,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Correlate indicators, their combinations, other scores and sizes with accuracy.

    The strata: all architectures; the ``top`` share by accuracy (where a search ends, and where
    correlation is hardest); one architecture of each class of isomorphism, drawn by ``seed`` (if
    there are isomorphic ones), since copies of one network count again and again otherwise.

    Args:
        accuracies: percent by architecture string.
        further: scores of the same architectures by other settings, by a name for each.
        others: further scores (higher is better) by name, each by architecture string.
        milliseconds: what scores took per architecture, by the name of their table ("" for
            ``scores``) and their label.

    Raises:
        InputError: fewer than two of the architectures have an accuracy.
    """
    known = np.array([i for i, arch in enumerate(scores.archs) if str(arch) in accuracies], int)
    if len(known) < 2:
        raise InputError(
            f"{len(known)} of the {len(scores)} scored architectures are in the accuracy table; "
            "a correlation needs two or more"
        )
    chosen = scores.select(known)
    accuracy = np.array([accuracies[str(arch)] for arch in chosen.archs])
    tables = {"": chosen} | {name: each.select(known) for name, each in (further or {}).items()}
    columns = _columns(tables, others or {})
    strata: dict[str, tuple[Correlation, ...]] = {}
    for name, members in _strata(chosen, accuracy, top, seed).items():
        # Ranks are taken within the set that is compared, so combinations are made anew.
        subset = _columns(
            {name: each.select(members) for name, each in tables.items()}, others or {}
        )
        strata[name] = tuple(
            correlate(label, values, accuracy[members], top=top, resamples=resamples, seed=seed)
            for label, values in subset.items()
        )
    return Comparison(
        chosen.archs,
        accuracy,
        columns,
        {each.label: each for table in tables.values() for each in table.indicators},
        _costs(tables, milliseconds or {}),
        len(scores) - len(known),
        strata,
    )


def one_per_class(
    space: Space, archs: Sequence[Architecture], count: int | None, seed: int
) -> list[Architecture]:
    """A random architecture of each of ``count`` random classes of isomorphism (None: all).

    All of them as well where there are no more.

    Raises:
        InputError: fewer than two are asked for, or there.
    """
    classes: dict[Hashable, list[Architecture]] = {}
    for arch in archs:
        classes.setdefault(space.canonical(arch), []).append(arch)
    if count is not None and min(count, len(classes)) < 2:
        raise InputError(
            f"the table holds {len(classes)} classes of isomorphic architectures and {count} were "
            "asked for; a comparison needs two"
        )
    rng = random.Random(seed)
    keys = list(classes)
    if count is not None and count < len(keys):
        keys = rng.sample(keys, count)
    return [rng.choice(classes[key]) for key in keys]


def _strata(
    scores: ScoreTable, accuracy: np.ndarray, top: float, seed: int
) -> dict[str, np.ndarray]:
    everything = np.arange(len(scores))
    strata = {"all": everything}
    size = round(top * len(scores))
    if size >= 2:
        best = np.argsort(-accuracy, kind="stable")[:size]
        strata[f"top {100 * top:g} % by accuracy"] = np.sort(best)
    representatives = set(one_per_class(scores.space, scores.archs, None, seed))
    if 2 <= len(representatives) < len(scores):
        members = [i for i, arch in enumerate(scores.archs) if arch in representatives]
        strata["one per class of isomorphism"] = np.array(members)
    return strata


def _columns(
    tables: Mapping[str, ScoreTable], others: Mapping[str, Mapping[str, float]]
) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, scores in tables.items():
        for label, values in _of_table(scores).items():
            columns[_title(label, name, columns)] = values
    scores = tables[""]
    for name, other in others.items():
        columns[name] = np.array([other.get(str(arch), np.nan) for arch in scores.archs])
    sizes = baselines(scores.space, scores.archs)
    return columns | {name: each for name, each in sizes.items() if name not in columns}


def _title(label: str, table: str, taken: Container[str]) -> str:
    """A score's own label, with the name of its table where another has that label."""
    return f"{label}, {table}" if label in taken else label


def _costs(
    tables: Mapping[str, ScoreTable], milliseconds: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """What each score took, by the title of its column."""
    costs: dict[str, float] = {}
    taken: set[str] = set()
    for name, scores in tables.items():
        for label in _of_table(scores):
            title = _title(label, name, taken)
            taken.add(title)
            if label in milliseconds.get(name, {}):
                costs[title] = milliseconds[name][label]
    return costs


def _of_table(scores: ScoreTable) -> dict[str, np.ndarray]:
    """Each indicator, and combinations in which one that fails in any is worst in each."""
    columns = {label: -cost for label, cost in scores.costs().items()}
    main = [each for each in scores.indicators if each.role != EXTRA]
    combinations: list[Sequence[Indicator]] = []
    if len(main) == 3:
        combinations += itertools.combinations(main, 2)
    if len(main) > 1:
        combinations.append(main)
    if main and len(scores.indicators) > len(main):
        combinations.append(scores.indicators)
    for chosen in combinations:
        columns[combined_label(chosen)] = -scores.only(chosen).rank_score
    return columns
