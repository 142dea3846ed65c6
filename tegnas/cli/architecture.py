"""Where commands read the architecture that they work on."""

from __future__ import annotations

from pathlib import Path

from tegnas.export import from_json
from tegnas.search import SearchResult
from tegnas.search.run_directory import RESULT
from tegnas.spaces import Architecture, Space, get_space


def read_architecture(text: str, space: str) -> tuple[Space, Architecture]:
    """An architecture string of ``space``, a run directory (its best) or a JSON file."""
    path = Path(text)
    if "|" not in text and path.is_dir():
        result = SearchResult.load(path / RESULT)
        return get_space(result.space), result.best.arch
    if path.suffix == ".json" and path.is_file():
        return from_json(path.read_text())
    chosen = get_space(space)
    return chosen, chosen.parse(text)
