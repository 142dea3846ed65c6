"""What an indicator is: an immutable value that everything else loops over."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tegnas.errors import InputError
from tegnas.indicators.sources import Source

TRAINABILITY, EXPRESSIVITY, GENERALIZATION, EXTRA = "T", "E", "G", "extra"
ROLES = (TRAINABILITY, EXPRESSIVITY, GENERALIZATION, EXTRA)

LOWER, HIGHER = "lower", "higher"


@dataclass(frozen=True, repr=False)
class Indicator:
    """A number that tells something about an architecture before it is trained.

    Attributes:
        name: by which Python, command, store and JSON call it: a lower-case identifier.
        symbol: in tables and axes.
        title: what it is, in a few words.
        role: ``"T"``, ``"E"`` or ``"G"``, what it stands for in TEG-NAS, or ``"extra"``.
        better: ``"lower"`` or ``"higher"``.
        source: what it is computed from; it says what ``compute`` is called with.
        compute: the computation.
        citation: paper and equation.
        log_scale: whether its values span orders of magnitude, so that they are drawn as
            logarithms.
        whole: whether its values are whole numbers.
        weight: how much its ranks count beside those of others where a set is ordered by several;
            it changes no value.
        usual_weight: the weight where none is named with it; by default the one it is made with.
        version: changes whenever its values could change, so that a store never mixes two.
        reference: ``FILE.py:NAME`` of an indicator from the user's file.

    Raises:
        InputError: a malformed name, an unknown role, a ``better`` that is neither, or a weight
            that isn't positive and finite.
    """

    name: str
    symbol: str
    title: str
    role: str
    better: str
    source: Source
    compute: Callable[..., Any]
    citation: str = ""
    log_scale: bool = False
    whole: bool = False
    weight: float = 1.0
    usual_weight: float | None = field(default=None, compare=False)
    version: int | str = 1
    reference: str | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name != self.name.lower():
            raise InputError(
                f"{self.name!r} can't name an indicator; use lower-case letters, digits and _"
            )
        if self.role not in ROLES:
            raise InputError(f"unknown role {self.role!r}; choose one of {', '.join(ROLES)}")
        if self.better not in (LOWER, HIGHER):
            raise InputError(f"better must be {LOWER} or {HIGHER}, got {self.better!r}")
        weight = self.weight
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 < weight < math.inf:
            raise InputError(
                f"the weight of {self.name} must be a positive, finite number, got {weight!r}; "
                "leave out an indicator that isn't to count"
            )
        object.__setattr__(self, "weight", float(weight))
        if self.usual_weight is None:
            object.__setattr__(self, "usual_weight", self.weight)

    def weighing(self, weight: float) -> Indicator:
        """The same indicator with another weight; ``InputError`` for one that can't be."""
        return self if weight == self.weight else replace(self, weight=weight)

    @property
    def label(self) -> str:
        """Role and symbol, such as ``T (κ)``; the symbol alone of an extra."""
        return self.symbol if self.role == EXTRA else f"{self.role} ({self.symbol})"

    @property
    def worst(self) -> float:
        """The value of an architecture that fails: inf, or −inf where higher is better."""
        return math.inf if self.better == LOWER else -math.inf

    def cost(self, values: Any) -> Any:
        """The values as costs: lower is better."""
        return values if self.better == LOWER else -values

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """The values as they are drawn, float64 of the same shape: what isn't finite is NaN."""
        values = np.array(values, dtype=np.float64)
        values[~np.isfinite(values) | (values <= 0 if self.log_scale else False)] = np.nan
        return np.log10(values) if self.log_scale else values

    @property
    def axis(self) -> str:
        """The label of an axis of ``drawn`` values."""
        symbol = f"log₁₀ {self.symbol}" if self.log_scale else self.symbol
        return f"{symbol} ({self.better} is better)"

    def text(self, value: float, digits: int = 4) -> str:
        """A value as tables show it: whole numbers whole, others with a few significant digits."""
        if not math.isfinite(value):
            return "—" if math.isnan(value) else f"{value:g}"
        if self.whole and abs(value) < 1e15:
            return f"{value:,.0f}"
        if abs(value) >= 1e5:
            return f"{value:.3g}"
        rounded = float(f"{value:.{digits}g}")
        plain = abs(rounded) >= 10 ** (digits - 1)  # where g writes 13370 as 1.337e+04
        return f"{rounded:,.0f}" if plain else f"{rounded:,.{digits}g}"

    def __repr__(self) -> str:
        return f"Indicator({self.name!r}, {self.label}, {self.better} is better)"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by name or reference where that finds it again: functions of files don't pickle.

        Only ever between processes of one run, which the user started.
        """
        from tegnas.indicators.registry import builtin, get_indicator

        known = builtin(self.name)
        if self.reference is not None or known is not None and self.weighing(known.weight) == known:
            return get_indicator, (f"{self.reference or self.name}={self.weight!r}",)
        values = tuple(getattr(self, name) for name in self.__dataclass_fields__)
        return Indicator, values
