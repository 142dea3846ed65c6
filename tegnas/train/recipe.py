"""The recipe of a training: the published one of the space, or a usual one, with changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tegnas.spaces import Space, get_space
from tegnas.spaces.recipe import Recipe

__all__ = ["USUAL_RECIPE", "Recipe", "recipe_for"]

# Of spaces without a recipe of their own: what is usual for small images, at half the learning rate
# and with clipped gradients, so that networks without BatchNorm are trained by it too.
USUAL_RECIPE = Recipe(batch_size=128, learning_rate=0.05, clip=5.0)


def recipe_for(space: Space | str, source: str = "", **changes: object) -> Recipe:
    """The recipe of a space with some fields changed; a None changes nothing.

    Mirrored digits are no digits: the source ``digits`` is trained without flips unless ``flip``
    says otherwise.

    Args:
        space: or the name of one. Its recipe is its attribute ``recipe``, for published spaces the
            published one; ``USUAL_RECIPE`` where it has none.

    Raises:
        InputError: a value is out of range.
    """
    space = get_space(space) if isinstance(space, str) else space
    recipe = getattr(space, "recipe", None) or USUAL_RECIPE
    given: dict[str, Any] = {name: each for name, each in changes.items() if each is not None}
    return replace(recipe, **{"flip": source != "digits", **given})
