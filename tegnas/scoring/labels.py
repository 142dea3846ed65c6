"""What combinations of indicators are called."""

from __future__ import annotations

from collections.abc import Sequence

from tegnas.indicators.base import EXTRA, Indicator


def combined_label(indicators: Sequence[Indicator]) -> str:
    """What a combination is called: ``T + E + G``, with the symbols of extras behind."""
    return " + ".join(each.symbol if each.role == EXTRA else each.role for each in indicators)
