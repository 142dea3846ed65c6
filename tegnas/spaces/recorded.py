"""The space that a file names."""

from __future__ import annotations

from pathlib import Path

from tegnas.errors import InputError
from tegnas.recorded import check_recorded
from tegnas.spaces import Space, get_space
from tegnas.spaces.loading import is_reference


def recorded_space(name: object, where: str | Path, given: Space | None = None) -> Space:
    """The space of a run, an architecture's JSON or whatever else was read.

    Args:
        name: of the space, as the file says.
        where: the file, for messages.
        given: the space that the user named herself. It is taken where the file names one by
            ``FILE.py:NAME``, or one that ``get_space`` doesn't know.

    Raises:
        InputError: the file names code and no space is given, or another space than the given one,
            or none that is known.
    """
    if given is None:
        return get_space(check_recorded(name, where, "space", "--space"))
    if isinstance(name, str) and not is_reference(name) and name != given.name:
        raise InputError(f"{where} is of the space {name} and not of {given.name}")
    return given
