"""Files that come from elsewhere: ordinary ones, and of a size that can be what is expected."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from tegnas.errors import InputError

_SHOWN = 12


def regular_file(path: Path, what: str, most_bytes: int | None = None) -> Path:
    """``path``, once it is known to be an ordinary file (or a link to one).

    Opening a pipe waits for someone who writes to it, perhaps for ever, and a device such as
    ``/dev/zero`` never ends: they are refused before they are opened.

    Args:
        path: the file.
        what: what it is to the user, for the message.
        most_bytes: the largest size that makes sense.

    Raises:
        InputError: there is no such file, it is a folder, pipe, socket or device, or is larger.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(
            f"{what} {path} can't be read: it does not exist; check the path"
        ) from None
    except OSError as error:
        raise InputError(
            f"{what} {path} can't be read ({error.strerror}); check the path"
        ) from None
    except ValueError:  # a zero byte in the name
        raise InputError(f"{what} {str(path)!r} can't be read: no file has such a name") from None
    if not stat.S_ISREG(status.st_mode):
        kind = _kind(status.st_mode)
        raise InputError(
            f"{what} {path} can't be read: it is a {kind} and not a file; give a file"
            f"{' (write what the pipe gives to one first)' if kind == 'pipe' else ''}"
        )
    if most_bytes is not None and status.st_size > most_bytes:
        raise InputError(
            f"{what} {path} has {size_text(status.st_size)}, more than the {size_text(most_bytes)} "
            "that such a file may have; check that it is the one you mean"
        )
    return path


def size_text(size: int) -> str:
    """A number of bytes as it is read: ``1.5 GiB``."""
    value, units = float(size), ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
    place = 0
    while value >= 1024 and place < len(units) - 1:
        value, place = value / 1024, place + 1
    return f"{value:.0f} {units[place]}" if place == 0 else f"{value:.1f} {units[place]}"


def listed(names: Iterable[str]) -> str:
    """Names for a message: a dozen of them, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else ""
    return (", ".join(every[:_SHOWN]) or "none") + more


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
