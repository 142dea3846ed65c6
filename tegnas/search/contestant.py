"""A strategy as it takes part in a comparison: with options and a budget of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from tegnas.errors import InputError

_BUDGET = "budget"


@dataclass(frozen=True)
class Contestant:
    """What ``NAME:OPTION=VALUE:…`` says, e.g. ``random:budget=55``.

    Attributes:
        label: the text itself, by which comparisons call it.
        strategy: name of the strategy.
        budget: evaluations; None for those of the comparison.
        options: of the strategy.
    """

    label: str
    strategy: str
    budget: int | None = None
    options: dict[str, object] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Contestant:
        """Read ``NAME:OPTION=VALUE:…``; ``InputError`` if it isn't that."""
        strategy, *assignments = text.split(":")
        options = dict(read_assignment(each, f"strategy {text!r}") for each in assignments)
        budget = options.pop(_BUDGET, None)
        if budget is not None and type(budget) is not int:
            raise InputError(f"the budget in {text!r} must be a whole number of evaluations")
        return cls(text, strategy, cast("int | None", budget), options)

    def directory(self, seed: int) -> str:
        """Name of the run directory for a seed."""
        name = "".join(char if char.isalnum() or char in "._-" else "-" for char in self.label)
        return f"{name}-seed{seed}"


def read_assignment(text: str, where: str) -> tuple[str, object]:
    """``name=value``; whole and decimal numbers are read as such.

    Raises ``InputError``, which says where it was read, if it isn't that.
    """
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise InputError(f"{where} takes NAME=VALUE, e.g. population=128, got {text!r}")
    return name, _number_or_text(value)


def _number_or_text(text: str) -> object:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
