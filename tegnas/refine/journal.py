"""The trainings of a refinement as they end, so that none is made twice."""

from __future__ import annotations

import json
from pathlib import Path

from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.files import read_json, write_atomically
from tegnas.refine.result import outcome_of, outcome_to_json
from tegnas.refine.training import Outcome

FILE = "trainings.json"


class Journal:
    """Outcomes by architecture, written whole after each.

    Raises ``InputError`` where the file was damaged.

    Args:
        directory: of the refinement; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / FILE
        self._known: dict[str, Outcome] = {}
        if self._path is None or not self._path.exists():
            return
        what = "the list of trainings of a refinement"
        content = read_json(self._path, what)
        try:
            fields = Fields(content)
            self._known = {each: outcome_of(fields.object(each)) for each in content}
        except InputError as error:
            raise InputError(f"{self._path} is not {what} ({error}); remove it") from None

    def get(self, arch: object) -> Outcome | None:
        """The outcome of a training, if it was made."""
        return self._known.get(str(arch))

    def add(self, arch: object, outcome: Outcome) -> None:
        """Write the outcome of a training."""
        self._known[str(arch)] = outcome
        if self._path is not None:
            content = {each: outcome_to_json(known) for each, known in self._known.items()}
            write_atomically(self._path, json.dumps(content, indent=1) + "\n")
