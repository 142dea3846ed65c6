"""Spaces from the user's own files: ``FILE.py:NAME``."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from tegnas.errors import InputError
from tegnas.spaces.base import Space


def is_reference(name: str) -> bool:
    """Whether a name of a space means a file."""
    return name.partition(":")[0].endswith(".py")


def load_space(reference: str) -> Space:
    """The space called NAME in FILE.py, or what NAME returns if it is a function.

    Its attribute ``reference`` is where it came from, and ``fingerprint`` the SHA-256 of the file,
    so that scores of an edited file are never taken for those of the old one.

    Raises ``InputError`` if the file can't be read or run, or has no such space.
    """
    file, _, name = reference.rpartition(":")
    path = Path(file or reference).resolve()
    if not file or not name.isidentifier():
        raise InputError(f"{reference!r} should name a space as FILE.py:NAME")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"the space file {path} can't be read: {error.strerror}") from None
    fingerprint = hashlib.sha256(source).hexdigest()
    module_name = f"tegnas_space_{path.stem}_{fingerprint[:8]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None  # the file ends in .py
    module = importlib.util.module_from_spec(spec)
    # Registered, so that pickle and dataclasses find the module again.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        space = getattr(module, name, None)
        if callable(space) and not isinstance(space, Space):
            space = space()
    except Exception as error:
        raise InputError(f"{path} can't be run ({type(error).__name__}: {error})") from None
    if space is None:
        raise InputError(f"{path} has no space called {name}")
    if not isinstance(space, Space):
        raise InputError(
            f"{name} in {path} is a {type(space).__name__} and not a search space; make it a "
            "tegnas.spaces.ChoiceSpace"
        )
    vars(space).update(reference=f"{path}:{name}", fingerprint=fingerprint)
    return space
