"""Architectures as short text and JSON."""

from __future__ import annotations

import json

from tegnas._version import __version__
from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.files import parse_json
from tegnas.spaces import Architecture, Space
from tegnas.spaces.recorded import recorded_space


def genotype_text(space: Space, arch: Architecture) -> str:
    """The text that other tools of the space read.

    NAS-Bench-201: the architecture string. DARTS: ``Genotype(normal=[…], normal_concat=…, …)``.
    """
    return str(arch)


def naslib_text(space: Space, arch: Architecture) -> str:
    """The tuple of numbers by which NASLib calls an architecture.

    Raises ``InputError`` where NASLib has none for the space or the architecture.
    """
    write = getattr(space, "naslib_text", None)
    if write is None:
        raise InputError(
            f"{space.name} has no form of NASLib's; those of nas-bench-201, nas-bench-101 and "
            "darts are written, and --format genotype gives the text of any space"
        )
    return write(arch)


def index_text(space: Space, arch: Architecture) -> str:
    """The number of an architecture in its benchmark, as ``parse`` reads it: ``index:9``.

    Raises ``InputError`` where the benchmark numbers nothing.
    """
    number = getattr(space, "benchmark_index", None)
    if number is None:
        raise InputError(
            f"the architectures of {space.name} have no numbers; those of nas-bench-201 and "
            "nats-size have"
        )
    return f"index:{number(arch)}"


def to_json(space: Space, arch: Architecture) -> str:
    """One JSON object with ``space``, ``arch`` and the version that wrote it."""
    return json.dumps({"space": space.name, "arch": str(arch), "tegnas": __version__}, indent=2)


def from_json(text: str | bytes, space: Space | None = None) -> tuple[Space, Architecture]:
    """Space and architecture of what ``to_json`` wrote.

    Args:
        text: the JSON.
        space: of the architecture. It must be given where the text names one by ``FILE.py:NAME``,
            because code is never run on the word of a file, or one that ``get_space`` doesn't know.

    Raises:
        InputError: the text isn't that, names code and no space is given, or is of another space.
    """
    try:
        fields = Fields(parse_json(text))
        name, arch = fields.text("space"), fields.text("arch")
    except InputError as error:
        raise InputError(
            f"this is not JSON with the entries 'space' and 'arch' ({error}); "
            "write it with: tegnas export --format json"
        ) from None
    space = recorded_space(name, "this architecture", space)
    return space, space.parse(arch)
