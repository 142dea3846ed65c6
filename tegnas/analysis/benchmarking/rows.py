"""How well each score orders each task of each benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tegnas.analysis.benchmarking.scored import ScoredBenchmark
from tegnas.analysis.correlation import Estimate, tau_and_rho
from tegnas.analysis.score_table import ScoreTable
from tegnas.indicators.base import EXTRA
from tegnas.scoring.labels import combined_label
from tegnas.scoring.ranking import kendall_tau, ranks

# The set of which the first by score is looked at: so many are what a search with a small budget
# sees. Of more, random sets of this size are drawn.
CHOSEN_OF = 300
_DRAWS = 200

# Shares of the architectures, best first by their quality, among which order matters most.
_HALF, _TENTH = 0.5, 0.1

RECIPE, PART, PUBLISHED = "recipe", "part", "published"


@dataclass(frozen=True)
class BenchmarkRow:
    """One score on one task.

    Attributes:
        benchmark: name of the benchmark.
        task: the column of its truth.
        score: what ordered the architectures.
        kind: ``recipe`` (all indicators of a contestant together), ``part`` (one of them, or those
            that stand for T, E and G), or ``published`` (a column of the table).
        count: architectures compared.
        tau: Kendall's τ-b.
        rho: Spearman's ρ.
        tau_half, tau_tenth: τ within the best half and tenth by quality; nan of too few.
        chosen: quality of the one ranked first of 300, on average over random sets of 300 where
            there are more.
        best: the best quality there.
        milliseconds: per architecture; nan where nothing was computed.
    """

    benchmark: str
    task: str
    score: str
    kind: str
    count: int
    tau: Estimate
    rho: Estimate
    tau_half: float
    tau_tenth: float
    chosen: float
    best: float
    milliseconds: float


def benchmark_rows(
    scored: ScoredBenchmark, *, resamples: int = 1000, seed: int = 0
) -> list[BenchmarkRow]:
    """A row for every task and score of a benchmark.

    A combination takes ranks within the set that is compared, so it is made anew for a part of it.
    Architectures that a published column lacks are left out of its row.

    Args:
        resamples: of the bootstrap behind the 95 % intervals.
        seed: of the bootstrap, and of the random sets of 300.
    """
    rows = []
    for task, column in scored.benchmark.truth.items():
        truth = column[scored.rows]
        for score in _scores(scored):
            known = np.flatnonzero(~np.isnan(truth) & score.known)
            if len(known) >= 2:
                rows.append(_row(scored.benchmark.name, task, score, truth, known, resamples, seed))
    return rows


def mean_ranks(rows: Sequence[BenchmarkRow]) -> dict[str, float]:
    """Mean rank by τ of what stands in every task, 1 is best; best first.

    A rank is the mean over the tasks of a benchmark, then over benchmarks: each of these has one
    vote, however many tasks or architectures it has.
    """
    tasks: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        tasks.setdefault(row.benchmark, {}).setdefault(row.task, {})[row.score] = row.tau.value
    everywhere = [
        name
        for name in dict.fromkeys(row.score for row in rows)
        if all(name in scores for each in tasks.values() for scores in each.values())
    ]
    if not everywhere:
        return {}
    votes = []
    for each in tasks.values():
        taus = np.array([[scores[name] for name in everywhere] for scores in each.values()])
        # What orders nothing, since all values tie, is worst.
        votes.append(ranks(-np.nan_to_num(taus, nan=-np.inf)).mean(0))
    means = np.mean(votes, axis=0)
    return {everywhere[index]: float(means[index]) for index in np.argsort(means, kind="stable")}


@dataclass(frozen=True, eq=False)
class _Score:
    """What orders architectures: ``of(indices)`` is float64, higher is better."""

    name: str
    kind: str
    milliseconds: float
    known: np.ndarray
    of: Callable[[np.ndarray], np.ndarray]


def _scores(scored: ScoredBenchmark) -> Iterator[_Score]:
    everyone = np.ones(len(scored.rows), dtype=bool)
    for name, table in scored.tables.items():
        cost = scored.milliseconds[name]
        if name in scored.combined:
            yield _Score(name, RECIPE, cost, everyone, partial(_combined, table))
            continue
        if len(table.indicators) == 1:
            yield _Score(name, RECIPE, cost, everyone, partial(_combined, table))
            continue
        title = f"{name}: {combined_label(table.indicators)}"
        yield _Score(title, RECIPE, cost, everyone, partial(_combined, table))
        main = [each for each in table.indicators if each.role != EXTRA]
        if 1 < len(main) < len(table.indicators):
            title, only = f"{name}: {combined_label(main)}", table.only(main)
            yield _Score(title, PART, cost, everyone, partial(_combined, only))
        for label, values in table.costs().items():
            yield _Score(f"{name}: {label}", PART, cost, everyone, partial(_picked, -values))
    for name in scored.benchmark.published:
        values = scored.benchmark.facts[name][scored.rows]
        known = ~np.isnan(values)
        yield _Score(f"table: {name}", PUBLISHED, math.nan, known, partial(_picked, values))


def _combined(table: ScoreTable, members: np.ndarray) -> np.ndarray:
    return -table.select(members).rank_score


def _picked(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    return values[members]


def _row(
    benchmark: str,
    task: str,
    score: _Score,
    truth: np.ndarray,
    known: np.ndarray,
    resamples: int,
    seed: int,
) -> BenchmarkRow:
    quality = truth[known]
    tau, rho = tau_and_rho(ranks(score.of(known)), quality, resamples=resamples, seed=seed)
    by_quality = known[np.argsort(-quality, kind="stable")]
    half, tenth = (
        _tau(score, truth, by_quality[: round(share * len(known))]) for share in (_HALF, _TENTH)
    )
    chosen, best = _chosen(score, truth, known, seed)
    return BenchmarkRow(
        benchmark,
        task,
        score.name,
        score.kind,
        len(known),
        tau,
        rho,
        half,
        tenth,
        chosen,
        best,
        score.milliseconds,
    )


def _tau(score: _Score, truth: np.ndarray, members: np.ndarray) -> float:
    if len(members) < 2:
        return math.nan
    return kendall_tau(ranks(score.of(members)), truth[members])


def _chosen(score: _Score, truth: np.ndarray, known: np.ndarray, seed: int) -> tuple[float, float]:
    """Quality of the first by score of ``CHOSEN_OF``, and of the best there; ties are averaged."""
    rng = np.random.default_rng(seed)
    sets = [known]
    if len(known) > CHOSEN_OF:
        sets = [rng.choice(known, CHOSEN_OF, replace=False) for _ in range(_DRAWS)]
    firsts = []
    for members in sets:
        values = score.of(members)
        firsts.append(truth[members][values == values.max()].mean())
    return float(np.mean(firsts)), float(np.mean([truth[members].max() for members in sets]))
