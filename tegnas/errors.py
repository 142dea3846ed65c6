"""Errors that tell a user, in one sentence, what is wrong and what to do about it."""

from __future__ import annotations


class InputError(ValueError):
    """Something given by the user (a file, an option, an architecture) can't be used."""


class NativeCodeError(RuntimeError):
    """The compiled extension is missing or doesn't fit this torch."""


def type_of(value: object) -> str:
    """What a wrong argument is, for a message."""
    return f"the class {value.__name__}" if isinstance(value, type) else repr(type(value).__name__)
