"""Agreement of one score with accuracy: rank correlations with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.resampled import Pairs
from tegnas.errors import InputError
from tegnas.scoring.ranking import kendall_tau, ranks

# Share of the architectures that counts as the top.
TOP = 0.1

# Of fewer architectures the bootstrap gives intervals that mean nothing, so there are none.
FEWEST = 10
# Fewer than these are called few: the intervals are wide.
FEW = 30

# Of more architectures the tables of all pairs would take too much memory.
_LARGEST_PAIRS = 3000

Measure = Callable[[np.ndarray, np.ndarray], float]
"""Agreement of a score with accuracies."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval; nan where it isn't defined (all values tie)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Correlation:
    """Agreement of one score with accuracy on one set of architectures.

    Attributes:
        name: of the score.
        count: architectures compared.
        missing: architectures left out because the score is NaN.
        infinite: of those compared, how many failed; they are worst and tie with each other.
        tied: of those compared, how many share their score with another one.
        tau: Kendall's τ-b.
        rho: Spearman's ρ.
        weighted_tau: Vigna's weighted τ, in which disagreement at the top counts most.
        precision: share of the best by score that are among the best by accuracy.
    """

    name: str
    count: int
    missing: int
    infinite: int
    tied: int
    tau: Estimate
    rho: Estimate
    weighted_tau: Estimate
    precision: Estimate


def correlate(
    name: str,
    score: np.ndarray,
    accuracy: np.ndarray,
    *,
    top: float = TOP,
    resamples: int = 1000,
    seed: int = 0,
) -> Correlation:
    """How well a score (higher is better) orders architectures by accuracy.

    Intervals are percentiles of the bootstrap over architectures, the same resamples for every
    score of the same set. Of fewer than 10 architectures there are none.

    Args:
        score: float (A,). NaN is missing; −inf is failed, worst and tied.
        accuracy: float (A,), finite.
        top: share of the architectures that precision looks at.
        resamples: of the bootstrap; 0 leaves the intervals nan.

    Raises:
        InputError: arrays of different lengths, fewer than two architectures with a score, an
            accuracy that isn't finite, or a ``top`` outside of (0, 1).
    """
    score, accuracy = np.asarray(score, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    if score.shape != accuracy.shape or score.ndim != 1:
        raise InputError(f"{name} and accuracy must be two rows of numbers of the same length")
    if not np.isfinite(accuracy).all():
        raise InputError("an accuracy to correlate with isn't finite; leave those rows out")
    if not 0 < top < 1:
        raise InputError(f"the share of top architectures must be between 0 and 1, got {top}")
    known = ~np.isnan(score)
    order, accuracies = ranks(score[known]), accuracy[known]
    count = len(order)
    if count < 2:
        raise InputError(f"{name}: a correlation needs two or more architectures with a score")
    resamples = resamples if count >= FEWEST else 0
    estimates = (
        *tau_and_rho(order, accuracies, resamples=resamples, seed=seed),
        *_estimates(
            (_weighted, lambda x, y: precision_at_top(x, y, top)),
            order,
            accuracies,
            resamples,
            seed,
        ),
    )
    _, groups = np.unique(order, return_counts=True)
    return Correlation(
        name,
        count,
        int((~known).sum()),
        int(np.isinf(score[known]).sum()),
        int(groups[groups > 1].sum()),
        *estimates,
    )


def sample_note(count: int) -> str:
    """What a reader should know of a sample of that size, with its intervals in mind."""
    if count < FEWEST:
        return f"too few for intervals, which need {FEWEST}"
    return "few, 95 % intervals" if count < FEW else "95 % intervals"


def tau_and_rho(
    score: np.ndarray, accuracy: np.ndarray, *, resamples: int, seed: int
) -> tuple[Estimate, Estimate]:
    """Kendall's τ-b and Spearman's ρ with their intervals.

    Args:
        score: float64 (A,), without NaN.
        accuracy: float64 (A,), finite.
        resamples: of the bootstrap over architectures; 0 leaves the intervals nan.
        seed: of the resamples.
    """
    if len(score) > _LARGEST_PAIRS:
        tau, rho = _estimates((kendall_tau, _spearman), score, accuracy, resamples, seed)
        return tau, rho
    pairs = Pairs.of(score, accuracy)
    counts = np.zeros((resamples, len(score)))
    for row, draw in zip(counts, _draws(len(score), resamples, seed), strict=True):
        row += np.bincount(draw, minlength=len(score))
    estimates = []
    for value, resampled in (
        (kendall_tau(score, accuracy), pairs.taus(counts)),
        (_spearman(score, accuracy), pairs.rhos(counts)),
    ):
        estimates.append(Estimate(value, *_percentiles(resampled)))
    return estimates[0], estimates[1]


def _draws(count: int, resamples: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(count, size=count) for _ in range(resamples)]


def _estimates(
    measures: Sequence[Measure], score: np.ndarray, accuracy: np.ndarray, resamples: int, seed: int
) -> list[Estimate]:
    """Each measure with its interval, by the same resamples."""
    draws = _draws(len(score), resamples, seed)
    estimates = []
    for measure in measures:
        values = [measure(score[draw], accuracy[draw]) for draw in draws]
        estimates.append(Estimate(measure(score, accuracy), *_percentiles(np.array(values))))
    return estimates


def precision_at_top(score: np.ndarray, accuracy: np.ndarray, top: float = TOP) -> float:
    """Share of the ``top`` best by score that are also among the ``top`` best by accuracy.

    Where ties leave open who is best by score, each of the tied counts by its probability under a
    random choice among them; who ties with the last of the best by accuracy is one of them. Chance
    level is ``top``.
    """
    size = max(1, round(top * len(score)))
    threshold = _highest(score, size)
    above, at = score > threshold, score == threshold
    chosen = above + at * ((size - above.sum()) / at.sum())
    return float(chosen @ (accuracy >= _highest(accuracy, size)) / size)


def _highest(values: np.ndarray, size: int) -> float:
    """The lowest of the ``size`` highest values."""
    return float(np.partition(values, len(values) - size)[len(values) - size])


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    if _constant(x) or _constant(y):
        return float("nan")
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def _weighted(x: np.ndarray, y: np.ndarray) -> float:
    if _constant(x) or _constant(y):
        return float("nan")
    from scipy.stats import weightedtau

    return float(weightedtau(x, y).statistic)


def _constant(x: np.ndarray) -> bool:
    return bool((x == x[0]).all())


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if values.size == 0:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
