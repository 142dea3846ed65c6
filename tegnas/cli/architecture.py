"""Where commands read the architecture that they work on."""

from __future__ import annotations

import os
from pathlib import Path

from tegnas.errors import InputError
from tegnas.export import from_json
from tegnas.search import SearchResult
from tegnas.search.run_directory import RESULT
from tegnas.spaces import Architecture, Space, get_space


def read_architecture(text: str, space: str) -> tuple[Space, Architecture]:
    """An architecture string of ``space``, a run directory (its best) or a JSON file."""
    path = Path(text)
    if os.path.isdir(text):  # unlike pathlib's, it takes text too long for a file's name
        result = SearchResult.load(path / RESULT)
        return get_space(result.space), result.best.arch
    if text.endswith(".json") and path.is_file():
        return from_json(path.read_text())
    chosen = get_space(space)
    try:
        return chosen, chosen.parse(text)
    except InputError as error:
        raise InputError(f"{error}; nor is there a run directory or JSON file there") from None
