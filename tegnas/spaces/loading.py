"""Spaces from the user's own files: ``FILE.py:NAME``."""

from __future__ import annotations

from tegnas.errors import InputError
from tegnas.spaces.base import Space
from tegnas.user_file import is_reference, load_user_object

__all__ = ["is_reference", "load_space"]


def load_space(reference: str) -> Space:
    """The space called NAME in FILE.py, or what NAME returns if it is a function.

    Its attribute ``reference`` is where it came from, and ``fingerprint`` the SHA-256 of the file,
    so that scores of an edited file are never taken for those of the old one.

    Raises ``InputError`` if the file can't be read or run, or has no such space.
    """
    found = load_user_object(reference, "space")
    space = found.value
    if callable(space) and not isinstance(space, Space):
        try:
            space = space()
        except Exception as error:
            raise InputError(
                f"{found.path} can't be run ({type(error).__name__}: {error})"
            ) from None
    if not isinstance(space, Space):
        raise InputError(
            f"{found.name} in {found.path} is a {type(space).__name__} and not a search space; "
            "make it a tegnas.spaces.ChoiceSpace"
        )
    vars(space).update(reference=found.reference, fingerprint=found.fingerprint)
    return space
