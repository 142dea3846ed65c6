"""What goes wrong in a command, as one sentence and an exit status."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tegnas.errors import InputError, NativeCodeError

UNREAD, REFUSED, INTERRUPTED = 1, 2, 130
# Nothing that a program did wrong, but what the machine hasn't.
_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EMFILE}
_MEMORY = re.compile(
    r"not enough memory|out of memory|can't allocate memory|cannot allocate memory|bad_alloc",
    re.IGNORECASE,
)
_BYTES = re.compile(r"allocate (\d+) bytes")


@contextmanager
def one_sentence() -> Iterator[None]:
    """What the user or the machine is the cause of ends the command with a sentence on stderr.

    Faults of tegnas itself keep their traceback.
    """
    try:
        yield
        _flush()
    except BrokenPipeError:
        _leave_unread()
    except KeyboardInterrupt:
        refuse("stopped", INTERRUPTED)
    except (InputError, NativeCodeError) as error:
        refuse(str(error))
    except (MemoryError, RuntimeError, OSError) as error:
        text = _of_memory(error) or _of_the_disk(error)
        if text is None:
            raise
        refuse(text)


def refuse(text: str, status: int = REFUSED) -> None:
    """Say one sentence and end with that status."""
    with suppress(OSError, AttributeError):
        print(f"tegnas: {printable(text)}", file=sys.stderr, flush=True)
    raise SystemExit(status) from None


@contextmanager
def stopped_in(directory: Path, what: str = "what was scored") -> Iterator[None]:
    """Ctrl-C ends in one sentence that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        # Whoever presses it again means the same.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        refuse(
            f"stopped; {what} is in {directory}, the same command goes on from there", INTERRUPTED
        )


def printable(text: str) -> str:
    """A text in one line; what would steer a terminal is written out."""
    return "".join(
        char if char.isprintable() else " " if char == "\n" else ascii(char)[1:-1]
        for char in text.strip()
    )


def write_whatever_the_locale() -> None:
    """What a terminal or file of another encoding can't show is written out, and stops nothing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def warn_in_a_line() -> None:
    """Warnings as notes on stderr, without the file and line that they came from."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"tegnas: note: {printable(str(message))}", file=sys.stderr, flush=True)

    warnings.showwarning = show


def _of_memory(error: Exception) -> str | None:
    if not isinstance(error, MemoryError) and not _MEMORY.search(str(error)):
        return None
    asked = _BYTES.search(str(error))
    amount = f" ({int(asked[1]) / 1e9:.1f} GB were asked for at once)" if asked else ""
    return (
        f"the memory isn't enough{amount}; take fewer or smaller images, fewer --workers or a "
        "smaller network; what a run directory holds is kept, and the same command goes on from it"
    )


def _of_the_disk(error: Exception) -> str | None:
    if not isinstance(error, OSError) or error.errno not in _MACHINE:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return (
        f"{where}{error.strerror}; what a run directory holds is kept, and the same command goes "
        "on from it"
    )


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def _leave_unread() -> None:
    """Nobody reads on. Python would complain about it once more when it ends."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    raise SystemExit(UNREAD) from None
