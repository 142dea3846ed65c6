"""The directory of a run: what was asked for, every score, the result."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tegnas.errors import InputError
from tegnas.files import is_leftover, read_json, remove_leftovers, write_atomically
from tegnas.search.changes import changes_between
from tegnas.search.store import is_empty

CONFIGURATION = "run.json"
SCORES = "scores.sqlite"
RESULT = "result.json"

# The field of the configuration of a training that holds its architecture; a search has none.
TRAINING = "training"
# That of a refinement: which scores it began with.
REFINES = "refines"

# Where a run was computed, the most evaluations that it was to have, and the classes that follow
# from a training's images: written into its configuration, but no part of what makes two runs the
# same.
DEVICES, BUDGET, CLASSES = "devices", "budget", "classes"
_BESIDES = (DEVICES, BUDGET, CLASSES)


def open_run_directory(out: Path, configuration: dict[str, object]) -> Path:
    """Create a run directory, or return to one that holds the same configuration.

    One in which nothing was scored (the limits admitted nothing, say) takes the new configuration.

    Raises ``InputError`` if the directory can't be written, holds something else, or belongs to
    another configuration.
    """
    make_directory(out)
    path = out / CONFIGURATION
    files = _files(out)
    if path not in files:
        # A run killed while it wrote its configuration leaves half of it.
        if not all(map(is_leftover, files)):
            raise InputError(f"{out} holds other files and no run; choose another --out")
        remove_leftovers(files)
        _write(path, configuration)
        return out
    try:
        previous = read_json(path, "the configuration of a run")
    except InputError as error:
        raise InputError(f"{path} is damaged; choose another --out ({error})") from None
    _check_own_files(out)
    remove_leftovers(files)
    differing = sorted(
        name
        for name in previous.keys() | configuration.keys()
        if name not in _BESIDES and previous.get(name) != configuration.get(name)
    )
    if differing and _is_unused(out):
        _write(path, configuration)
    elif differing:
        raise InputError(
            f"{out} belongs to another configuration "
            f"({changes_between(previous, configuration, _BESIDES)}); repeat those settings or "
            "choose another --out"
        )
    return out


def make_directory(out: Path) -> None:
    """Create a directory if need be; ``InputError`` if that can't be done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"{out} can't be used for the run: it is a file") from None
    except OSError as error:
        raise InputError(f"{out} can't be used for the run: {error.strerror}") from None


def _files(out: Path) -> list[Path]:
    try:
        return list(out.iterdir())
    except OSError as error:
        raise InputError(f"{out} can't be used for the run: {error.strerror}") from None


def _check_own_files(out: Path) -> None:
    """A store that is a link or a pipe was put there by somebody: it isn't written through."""
    for name in (SCORES, f"{SCORES}-wal", f"{SCORES}-shm", f"{SCORES}-journal"):
        path = out / name
        if path.is_symlink() or path.exists() and not path.is_file():
            raise InputError(f"{path} is no file of a run but a link or a pipe; remove it")


def _is_unused(out: Path) -> bool:
    """Whether a run directory holds its configuration and a store without scores at most."""
    others = {path.name for path in out.iterdir()} - {
        CONFIGURATION,
        f"{SCORES}-wal",
        f"{SCORES}-shm",
    }
    if others != {SCORES}:
        return not others
    return is_empty(out / SCORES)


def check_is_search(directory: Path) -> None:
    """Raise ``InputError``, which says what it is instead, where a directory isn't of a search."""
    asked, result = directory / CONFIGURATION, directory / RESULT
    if not asked.is_file() and not result.exists():
        if any(any(directory.glob(f"*/{name}")) for name in (CONFIGURATION, RESULT)):
            raise InputError(
                f"{directory} holds several runs; give one of them, which tegnas runs {directory} "
                "lists"
            )
        raise InputError(f"{directory} holds no run; give a run directory of tegnas search")
    if is_training(directory):
        raise InputError(f"{directory} is the directory of a training; give the one of a search")


def is_training(directory: Path) -> bool:
    """Whether a directory is one of ``tegnas train``."""
    path = directory / CONFIGURATION
    return path.is_file() and TRAINING in read_json(path, "the configuration of a run")


def saved_evaluations(directory: Path) -> int | None:
    """How many evaluations the saved result of a run has; None where there is none to be read."""
    with suppress(InputError):
        history = read_json(directory / RESULT, "a saved search result").get("history")
        return len(history) if isinstance(history, list) else None
    return None


@contextmanager
def marked_running(directory: Path) -> Iterator[None]:
    """Marks a run as running, for ``is_running``, until the process is done with it or ends."""
    with (directory / CONFIGURATION).open("rb") as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_running(directory: Path) -> bool:
    """Whether a process of this machine works on a run; False where that can't be told."""
    try:
        with (directory / CONFIGURATION).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def note_device(directory: Path, device: str, budget: int) -> list[str]:
    """Write into the configuration of a run where it is computed now, and how far it is to go.

    Returns all the devices that it was computed on, the first one first.
    """
    path = directory / CONFIGURATION
    configuration = read_json(path, "the configuration of a run")
    devices = configuration.setdefault(DEVICES, [])
    if not isinstance(devices, list):
        raise InputError(f"{path} is damaged; choose another --out (its {DEVICES} are no list)")
    before = configuration.get(BUDGET)
    largest = max(budget, before) if isinstance(before, int) else budget
    if device not in devices or before != largest:
        if device not in devices:
            devices.append(device)
        configuration[BUDGET] = largest
        _write(path, configuration)
    return devices


def _write(path: Path, content: dict[str, object]) -> None:
    write_atomically(path, json.dumps(content, indent=2) + "\n")
