"""What is said where a library that isn't required is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from tegnas.errors import InputError


def import_extra(library: str, purpose: str, extra: str) -> ModuleType:
    """Import an optional library.

    Raises ``InputError`` if it is missing, or can't be imported since it doesn't fit another one.
    """
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == library.split(".")[0]:
            raise InputError(
                f"{purpose} needs the package {library}; install it with: "
                f"pip install 'tegnas[{extra}]'"
            ) from None
        raise InputError(f"{library} can't be imported ({error})") from None
    except (ImportError, RuntimeError, OSError) as error:
        raise InputError(
            f"{library} can't be imported ({error}); install a build of it and of what it imports "
            "that fits the torch that is here"
        ) from None
