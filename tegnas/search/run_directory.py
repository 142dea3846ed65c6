"""The directory of a run: what was asked for, every score, the result."""

from __future__ import annotations

import json
from pathlib import Path

from tegnas.errors import InputError
from tegnas.files import is_leftover, read_json, remove_leftovers, write_atomically
from tegnas.search.store import is_empty

CONFIGURATION = "run.json"
SCORES = "scores.sqlite"
RESULT = "result.json"

# Where a run was computed: written into its configuration, but no part of what was asked for.
DEVICES = "devices"


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
        if name != DEVICES and previous.get(name) != configuration.get(name)
    )
    if differing and _is_unused(out):
        _write(path, configuration)
    elif differing:
        changes = ", ".join(
            f"{name} was {previous.get(name)!r}, is {configuration.get(name)!r}"
            for name in differing
        )
        raise InputError(
            f"{out} belongs to another configuration ({changes}); choose another --out"
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


def note_device(directory: Path, device: str) -> list[str]:
    """Write into the configuration of a run where it is computed now.

    Returns all the devices that it was computed on, the first one first.
    """
    path = directory / CONFIGURATION
    configuration = read_json(path, "the configuration of a run")
    devices = configuration.setdefault(DEVICES, [])
    if not isinstance(devices, list):
        raise InputError(f"{path} is damaged; choose another --out (its {DEVICES} are no list)")
    if device not in devices:
        devices.append(device)
        _write(path, configuration)
    return devices


def _write(path: Path, content: dict[str, object]) -> None:
    write_atomically(path, json.dumps(content, indent=2) + "\n")
