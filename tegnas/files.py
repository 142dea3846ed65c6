"""Reading and writing files: never half of one, never a wait for a pipe, one sentence of faults.

Everything that tegnas writes goes through ``write_atomically``, and every JSON that it reads
through ``read_json`` or ``parse_json``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tegnas.errors import InputError

# Hidden, and short, so that any name which fits has room for it.
_PARTIAL = ".tegnas-{}.partial"
# The largest result of a search of millions of evaluations is far below.
LARGEST_JSON = 2**30
_SURROGATE = re.compile(r"\\u[dD][89abAB]")


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write a file so that whoever looks finds the old one or the new one, never half of one.

    The content goes to a hidden file beside it, which then takes its name. A link at that name is
    replaced and not followed; what the operating system hands out under ``/dev`` and ``/proc``
    (``/dev/stdout``) is written to as it is.

    Args:
        path: of the file; its directory must be there.
        content: bytes, or text, which is written as UTF-8.

    Raises:
        InputError: it can't be written: the disk is full, the directory isn't there or isn't
            writable, a directory, pipe or device has the name. What was there before is kept.
    """
    path = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if path.is_absolute() and path.parts[1:2] in (("dev",), ("proc",)):
            path.write_bytes(data)
        else:
            _replace(path, data)
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from None


def _replace(path: Path, data: bytes) -> None:
    mode = _writable_mode(path)
    partial = path.with_name(_PARTIAL.format(secrets.token_hex(6)))
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            partial.chmod(mode)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _writable_mode(path: Path) -> int | None:
    """The permissions of the file that is replaced, None where there is none."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is a pipe or a device")
    if not os.access(path, os.W_OK):
        raise PermissionError(0, "it is write-protected")
    return stat.S_IMODE(mode)


def is_leftover(path: Path) -> bool:
    """Whether a file is what a process that was killed as it wrote has left."""
    return re.fullmatch(_PARTIAL.format("[0-9a-f]{12}").replace(".", r"\."), path.name) is not None


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove those of the files that a killed process left half written."""
    for path in filter(is_leftover, paths):
        with suppress(OSError):
            path.unlink()


def read_regular(path: str | Path, *, limit: int = LARGEST_JSON) -> bytes:
    """The bytes of a regular file, or of a link to one.

    Raises:
        OSError: it can't be read, is a pipe or a device (reading which may never end), or has more
            than ``limit`` bytes.
    """
    # Without waiting for the other end, should it be a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(0, "it is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is a pipe or a device")
        if status.st_size > limit:
            raise OSError(0, f"its {status.st_size:,} bytes are more than such a file has")
        return file.read()


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """The object that a JSON file holds.

    Args:
        path: of the file.
        what: it should be, for the message: ``"a saved search result"``.

    Raises:
        InputError: the file can't be read, or isn't UTF-8 text of one JSON object whose names
            differ.
    """
    try:
        return parse_json(read_regular(path))
    except OSError as error:
        reason: object = error.strerror or error
    except InputError as error:
        reason = error
    raise InputError(f"{path} is not {what} ({reason})") from None


def parse_json(text: str | bytes) -> dict[str, Any]:
    """The object that a text in JSON holds; ``InputError`` if it is anything else."""
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        content = json.loads(text, object_pairs_hook=_distinct)
        if _SURROGATE.search(text):
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise InputError("it is no text in UTF-8") from None
    except RecursionError:
        raise InputError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except ValueError as error:  # a name twice, or a number of thousands of digits
        raise InputError(str(error)) from None
    if not isinstance(content, dict):
        raise InputError(f"it holds {kind_of(content)} and not an object")
    return content


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return content


def kind_of(value: object) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a truth value"
    for types, name in (((int, float), "a number"), (str, "a text"), (list, "a list")):
        if isinstance(value, types):
            return name
    return "an object"
