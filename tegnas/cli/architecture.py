"""Where commands read the architecture that they work on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tegnas.analysis.runs import read_run
from tegnas.errors import InputError
from tegnas.export import from_json
from tegnas.files import read_json, read_regular
from tegnas.indicators import Indicator
from tegnas.refine import RefineResult
from tegnas.refine.result import FILE as REFINED
from tegnas.search.run_directory import CONFIGURATION
from tegnas.spaces import Architecture, Space, get_space

# Of architecture strings, where no space is named.
DEFAULT_SPACE = "nas-bench-201"
_LARGEST_JSON = 2**20


def read_architecture(
    text: str, space: str | None, indicators: Sequence[Indicator] = ()
) -> tuple[Space, Architecture]:
    """An architecture (short or whole), a JSON file, or a directory of a search or refinement.

    Of a directory it is the best so far.

    ``space`` is what the user named, if anything: the space of the string, and the only one from a
    file that a run or a JSON file may be of. ``indicators`` are those of her own that a run was
    scored by.
    """
    chosen = None if space is None else get_space(space)
    if os.path.isdir(text):  # unlike pathlib's, it takes text too long for a file's name
        if os.path.exists(os.path.join(text, REFINED)):
            refined = RefineResult.load(Path(text, REFINED), chosen)
            return chosen or get_space(refined.space), refined.best.arch
        run = read_run(Path(text), chosen, indicators)
        return run.scores.space, run.result.best.arch
    if text.endswith(".json") and os.path.exists(text):
        try:
            return from_json(read_regular(text, limit=_LARGEST_JSON), chosen)
        except OSError as error:
            raise InputError(f"{text} can't be read: {error.strerror}") from None
    chosen = chosen or get_space(DEFAULT_SPACE)
    try:
        return chosen, chosen.parse(text)
    except InputError as error:
        raise InputError(f"{error}; nor is there a run directory or JSON file there") from None


def images_of(text: str) -> str | None:
    """The images of the search or refinement in a directory; None where nothing says which."""
    path = os.path.join(text, CONFIGURATION)
    if not os.path.isfile(path):
        return None
    images = read_json(path, "the configuration of a run").get("images")
    return images if isinstance(images, str) else None
