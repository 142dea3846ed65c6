"""The directory of a run: what was asked for, every score, the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tegnas.errors import InputError
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
    if not path.exists():
        # A run killed while it wrote its configuration leaves the partial file alone.
        if any(file != _partial(path) for file in out.iterdir()):
            raise InputError(f"{out} holds other files and no run; choose another --out")
        try:
            _write(path, configuration)
        except OSError as error:
            raise InputError(f"{out} can't be used for the run: {error.strerror}") from None
        return out
    try:
        previous = json.loads(path.read_text())
    except (OSError, ValueError):
        previous = None
    if not isinstance(previous, dict):
        raise InputError(f"{path} is damaged; choose another --out")
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
    configuration: dict[str, Any] = json.loads(path.read_text())
    devices = configuration.setdefault(DEVICES, [])
    if device not in devices:
        devices.append(device)
        _write(path, configuration)
    return devices


def _write(path: Path, content: dict[str, object]) -> None:
    # By way of a second file, so that a kill never leaves half a configuration.
    partial = _partial(path)
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_suffix(".partial")
