"""Statistics of a probe as costs: one number per architecture, lower is better, NaN for failures.

A spectrum is given by the logarithms of its eigenvalues over their mean, lowest first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.ranking.features import Features

Statistic = Callable[[Features], np.ndarray]


def condition(logs: np.ndarray) -> np.ndarray:
    """log λmax / λmin, the paper's κ."""
    return logs[:, -1] - logs[:, 0]


def lowest(logs: np.ndarray) -> np.ndarray:
    """log of the mean eigenvalue over λmin."""
    return -logs[:, 0]


def harmonic(logs: np.ndarray) -> np.ndarray:
    """log of mean λ · mean 1/λ: the whole low end of the spectrum."""
    highest = -logs[:, :1]
    return highest[:, 0] + np.log(np.exp(-logs - highest).mean(1))


def geometric(logs: np.ndarray) -> np.ndarray:
    """log of arithmetic over geometric mean: minus the log-determinant by image, at equal trace."""
    return -logs.mean(1)


def entropy(logs: np.ndarray) -> np.ndarray:
    """Minus the entropy of λ / Σλ: minus the logarithm of the effective rank."""
    shares = np.exp(logs) / logs.shape[1]
    return (shares * np.log(shares)).sum(1)


def purity(logs: np.ndarray) -> np.ndarray:
    """log of mean λ² over (mean λ)²: the high end of the spectrum."""
    return np.log(np.exp(2 * logs).mean(1))


def quartile(logs: np.ndarray) -> np.ndarray:
    """log of the mean eigenvalue over the lower quartile."""
    return -logs[:, logs.shape[1] // 4]


SPECTRUM = {
    "κ": condition,
    "λmin": lowest,
    "harmonic": harmonic,
    "quartile": quartile,
    "log-determinant": geometric,
    "effective rank": entropy,
    "purity": purity,
}


def _of(spectrum: str, statistic: Callable[[np.ndarray], np.ndarray]) -> Statistic:
    return lambda features: statistic(features[spectrum])


def _column(name: str) -> Statistic:
    return lambda features: features[name]


def _naswot(features: Features) -> np.ndarray:
    """Minus the log-determinant by image of the number of units on which two images agree."""
    return -(features["pattern spectrum"].mean(1) + np.log(np.maximum(features["units"], 1)))


TRAINABILITY: dict[str, Statistic] = {
    f"{prefix}{name}": _of(f"{prefix}spectrum", statistic)
    for prefix in ("", "body ", "correlation ")
    for name, statistic in SPECTRUM.items()
}

GENERALIZATION: dict[str, Statistic] = {
    name: _column(name)
    for name in (
        "labels",
        "noise",
        "left-out labels",
        "left-out noise",
        "left-out variance",
        "body left-out labels",
        "body left-out noise",
        "body left-out variance",
    )
}

EXPRESSIVITY: dict[str, Statistic] = {
    "pattern log-determinant with units": _naswot,
    "units": lambda features: -features["units"],
} | {f"pattern {name}": _of("pattern spectrum", each) for name, each in SPECTRUM.items()}

OTHER: dict[str, Statistic] = {
    "trace": lambda features: -features["trace"],
    "body trace": lambda features: -features["body trace"],
    "body share of the trace": lambda features: features["trace"] - features["body trace"],
    "alignment": lambda features: -features["alignment"],
    "body alignment": lambda features: -features["body alignment"],
}

STATISTICS = OTHER | TRAINABILITY | GENERALIZATION | EXPRESSIVITY
