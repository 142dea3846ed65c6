"""Architectures as short text and JSON."""

from __future__ import annotations

import json

from tegnas._version import __version__
from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space, get_space


def genotype_text(space: Space, arch: Architecture) -> str:
    """The text that other tools of the space read.

    NAS-Bench-201: the architecture string. DARTS: ``Genotype(normal=[…], normal_concat=…, …)``.
    """
    return str(arch)


def to_json(space: Space, arch: Architecture) -> str:
    """One JSON object with ``space``, ``arch`` and the version that wrote it."""
    return json.dumps({"space": space.name, "arch": str(arch), "tegnas": __version__}, indent=2)


def from_json(text: str) -> tuple[Space, Architecture]:
    """Space and architecture of what ``to_json`` wrote; ``InputError`` if the text isn't that."""
    try:
        content = json.loads(text)
        name, arch = content["space"], content["arch"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"this is not JSON with the entries 'space' and 'arch' ({type(error).__name__}); "
            "write it with: tegnas export --format json"
        ) from None
    space = get_space(name)
    return space, space.parse(arch)
