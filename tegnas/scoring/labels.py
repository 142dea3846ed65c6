"""What combinations of indicators are called."""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.indicators.base import EXTRA, Indicator

_FRACTIONS = {"0.5": "½", "0.25": "¼", "0.75": "¾", "0.333": "⅓"}


def combined_label(indicators: Sequence[Indicator]) -> str:
    """What a combination is called: ``T + E + G + ½ PR``, by roles, and by the symbols of extras.

    A weight of 1 isn't written.
    """
    return " + ".join(map(_summand, indicators))


def _summand(indicator: Indicator) -> str:
    name = indicator.symbol if indicator.role == EXTRA else indicator.role
    if indicator.weight == 1:
        return name
    weight = f"{indicator.weight:.3g}"
    return f"{_FRACTIONS.get(weight, weight)} {name}"
