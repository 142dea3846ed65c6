"""Indicators: immutable values, one file each, that scores, searches and reports loop over."""

from __future__ import annotations

from tegnas.indicators.base import Indicator
from tegnas.indicators.custom import indicator
from tegnas.indicators.registry import as_indicators, get_indicator, indicator_names

__all__ = ["Indicator", "as_indicators", "get_indicator", "indicator", "indicator_names"]
