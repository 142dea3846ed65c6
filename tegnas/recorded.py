"""Names that were read from a file, and may stand for code.

A space or an indicator may be called ``FILE.py:NAME``, and using it runs that file. Code is run
where the user named it herself: on her command line, or in her own call. A run directory, an
architecture's JSON or any other file that was read never has that power, whoever wrote it.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from tegnas.errors import InputError
from tegnas.files import kind_of
from tegnas.spaces.loading import is_reference


def check_recorded(name: object, where: str | Path, what: str, option: str) -> str:
    """A name from a file, if it may be used as it is: one that stands for no code.

    Args:
        name: what the file says.
        where: the file, or what else the user knows it by, for messages.
        what: the name is of, such as ``"space"``.
        option: how the user allows it, such as ``"--space"``.

    Raises:
        InputError: it isn't a text, or it stands for code; the message says how to allow it.
    """
    if not isinstance(name, str):
        raise InputError(f"{where} names as its {what} {kind_of(name)} and not a text")
    if is_reference(name):
        raise InputError(
            f"{where} was made with the {what} {name}, and code is not run because a file names "
            f"it; if you trust that file, name it yourself by {option} {shlex.quote(name)}, in "
            f"Python by {what}="
        )
    return name
