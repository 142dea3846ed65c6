"""Finding one indicator among those that were asked for."""

from __future__ import annotations

from tegnas.errors import InputError
from tegnas.scoring.settings import ScoreSettings

_ROLES = {"T": "trainability", "E": "expressivity", "G": "generalization"}


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
