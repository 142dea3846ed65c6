"""Indicators, their combinations, other proxies and trivial baselines against accuracy."""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.baselines import baselines
from tegnas.analysis.correlation import TOP, Correlation, correlate
from tegnas.analysis.score_table import ScoreTable
from tegnas.errors import InputError
from tegnas.scoring.ranking import combine
from tegnas.spaces import Architecture, Space

COMBINED = "T + E + G"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every score against accuracy, on every stratum.

    Attributes:
        archs: the architectures compared, those whose accuracy is known.
        accuracy: float64 (A,), percent.
        columns: scores by name, float64 (A,) each, higher is better; NaN is missing.
        unknown: scored architectures that were left out because their accuracy isn't known.
        strata: correlations by name of the stratum, one per column in the same order.
    """

    archs: tuple[Architecture, ...]
    accuracy: np.ndarray
    columns: dict[str, np.ndarray]
    unknown: int
    strata: dict[str, tuple[Correlation, ...]]


def compare(
    scores: ScoreTable,
    accuracies: Mapping[str, float],
    *,
    others: Mapping[str, Mapping[str, float]] | None = None,
    top: float = TOP,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Correlate T, E, G, their combinations by rank-sum, other scores and sizes with accuracy.

    The strata: all architectures; the ``top`` share by accuracy (where a search ends, and where
    correlation is hardest); one architecture of each class of isomorphism, drawn by ``seed`` (if
    there are isomorphic ones), since copies of one network count again and again otherwise.

    Args:
        accuracies: percent by architecture string.
        others: further scores (higher is better) by name, each by architecture string.

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
    columns = _columns(chosen, others or {})
    strata: dict[str, tuple[Correlation, ...]] = {}
    for name, members in _strata(chosen, accuracy, top, seed).items():
        # Ranks are taken within the set that is compared, so combinations are made anew.
        subset = _columns(chosen.select(members), others or {})
        strata[name] = tuple(
            correlate(label, values, accuracy[members], top=top, resamples=resamples, seed=seed)
            for label, values in subset.items()
        )
    return Comparison(chosen.archs, accuracy, columns, len(scores) - len(known), strata)


def one_per_class(
    space: Space, archs: Sequence[Architecture], count: int | None, seed: int
) -> list[Architecture]:
    """A random architecture of each of ``count`` random classes of isomorphism (None: all).

    Raises:
        InputError: there are fewer classes.
    """
    classes: dict[Hashable, list[Architecture]] = {}
    for arch in archs:
        classes.setdefault(space.canonical(arch), []).append(arch)
    if count is not None and not 2 <= count <= len(classes):
        raise InputError(
            f"the table holds {len(classes)} classes of isomorphic architectures; draw 2 to "
            f"{len(classes)} of them, not {count}"
        )
    rng = random.Random(seed)
    keys = list(classes) if count is None else rng.sample(list(classes), count)
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
    scores: ScoreTable, others: Mapping[str, Mapping[str, float]]
) -> dict[str, np.ndarray]:
    costs = {"T": scores.kappa, "E": -scores.regions, "G": scores.mse}
    columns = {"T (κ)": -costs["T"], "E (R)": -costs["E"], "G (MSE)": -costs["G"]}
    for names in (("T", "E"), ("T", "G"), ("E", "G")):
        columns[" + ".join(names)] = -_rank_sum([costs[name] for name in names], scores)
    columns[COMBINED] = -_rank_sum(list(costs.values()), scores)
    if scores.parameters is not None:
        columns[f"{COMBINED} + parameters"] = -scores.rank_sum
    for name, values in others.items():
        columns[name] = np.array([values.get(str(arch), np.nan) for arch in scores.archs])
    return columns | baselines(scores.space, scores.archs)


def _rank_sum(costs: list[np.ndarray], scores: ScoreTable) -> np.ndarray:
    """As the ranking of all three: architectures that fail in T or G are worst in each."""
    bad = ~(np.isfinite(scores.kappa) & np.isfinite(scores.mse))
    return combine(costs, bad, scores.combination)
