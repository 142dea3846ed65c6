"""Finding one indicator among those that were asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from tegnas.errors import InputError
from tegnas.indicators.base import EXPRESSIVITY, GENERALIZATION, TRAINABILITY
from tegnas.scoring.settings import ScoreSettings

T = TypeVar("T")

_ROLES = {
    TRAINABILITY: "trainability",
    EXPRESSIVITY: "expressivity",
    GENERALIZATION: "generalization",
}


class NoSuchIndicatorError(InputError, KeyError, AttributeError):
    """An indicator that these scores don't hold."""

    def __str__(self) -> str:
        return str(self.args[0])


def by_name(settings: ScoreSettings, name: str) -> str:
    """The name, if it is one of the settings' indicators; else ``NoSuchIndicatorError``."""
    if name not in settings.names:
        paper = (
            "; the paper's are those of get_preset('fast') and get_preset('paper')"
            if name in ("ntk_condition", "linear_regions", "ntk_regression_error")
            else ""
        )
        raise NoSuchIndicatorError(
            f"{name} wasn't asked for: these scores hold {', '.join(settings.names)}{paper}"
        )
    return name


def by_role(settings: ScoreSettings, role: str) -> str:
    """The name of the one indicator of a role; ``NoSuchIndicatorError`` if there isn't one."""
    found = [each.name for each in settings.indicators if each.role == role]
    if len(found) != 1:
        many = f"several ({', '.join(found)}); take one by its name" if found else "none"
        raise NoSuchIndicatorError(f"of indicators for {_ROLES[role]} these scores hold {many}")
    return found[0]


class ByRole(ABC, Generic[T]):
    """What is read by name of the indicator is also read by its role, and by the paper's symbols.

    Of a class with ``settings`` and ``self[name]``.
    """

    settings: ScoreSettings

    @abstractmethod
    def __getitem__(self, name: str) -> T:
        """The value of an indicator; ``NoSuchIndicatorError`` if it wasn't asked for."""

    @property
    def trainability(self) -> T:
        """The indicator of role T; ``NoSuchIndicatorError`` if there isn't exactly one."""
        return self[by_role(self.settings, TRAINABILITY)]

    @property
    def expressivity(self) -> T:
        """The indicator of role E; ``NoSuchIndicatorError`` if there isn't exactly one."""
        return self[by_role(self.settings, EXPRESSIVITY)]

    @property
    def generalization(self) -> T:
        """The indicator of role G; ``NoSuchIndicatorError`` if there isn't exactly one."""
        return self[by_role(self.settings, GENERALIZATION)]

    @property
    def kappa(self) -> T:
        """The paper's T, condition number of the NTK; lower is better."""
        return self["ntk_condition"]

    @property
    def regions(self) -> T:
        """The paper's E, number of linear regions; higher is better."""
        return self["linear_regions"]

    @property
    def mse(self) -> T:
        """The paper's G, error of the NTK regression; lower is better."""
        return self["ntk_regression_error"]
