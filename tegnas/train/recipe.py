"""The recipe of a training: the published one of the space, with changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tegnas.errors import InputError
from tegnas.spaces import Space, get_space
from tegnas.spaces.recipe import Recipe

__all__ = ["Recipe", "recipe_for"]


def recipe_for(space: Space | str, source: str = "", **changes: object) -> Recipe:
    """The published recipe of a space with some fields changed; a None changes nothing.

    Mirrored digits are no digits: the source ``digits`` is trained without flips unless ``flip``
    says otherwise.

    Args:
        space: with an attribute ``recipe``; or the name of one.

    Raises:
        InputError: the space has no recipe, or a value is out of range.
    """
    space = get_space(space) if isinstance(space, str) else space
    recipe = getattr(space, "recipe", None)
    if recipe is None:
        raise InputError(
            f"no recipe of training is known for {space.name!r}; give the space an attribute "
            "recipe, a tegnas.train.Recipe"
        )
    given: dict[str, Any] = {name: each for name, each in changes.items() if each is not None}
    return replace(recipe, **{"flip": source != "digits", **given})
