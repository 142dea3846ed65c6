"""The entries of a JSON object that was read from a file, each asked for by name and kind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tegnas.errors import InputError
from tegnas.files import kind_of


class Fields:
    """An object whose entries may be anything, for whoever wrote the file.

    Every method raises ``InputError`` with the place and the kind where an entry is missing or is
    something else.

    Args:
        content: what should be an object.
        place: where it stands in the file, empty for the whole.
    """

    def __init__(self, content: object, place: str = "") -> None:
        if not isinstance(content, dict):
            raise InputError(f"{place or 'it'} is {kind_of(content)} and not an object")
        self.content: dict[str, Any] = content
        self._place = place

    def text(self, name: str) -> str:
        """An entry that is a text."""
        return self._entry(name, str, "a text")

    def number(self, name: str) -> float:
        """An entry that is a finite number."""
        value = self._entry(name, (int, float), "a number")
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if isinstance(self.content[name], bool) or not math.isfinite(value):
            raise InputError(f"{self._name(name)} is no finite number")
        return value

    def number_or_none(self, name: str) -> float | None:
        """An entry that is a finite number, None where it is null or absent."""
        return None if self.content.get(name) is None else self.number(name)

    def number_or(self, name: str, other: float) -> float:
        """An entry that is a finite number, or null for another value, which JSON lacks."""
        return other if self.content.get(name, 0) is None else self.number(name)

    def texts_or_none(self, name: str) -> tuple[str, ...]:
        """The texts of an entry that is a list of them; none where it is null or absent."""
        if self.content.get(name) is None:
            return ()
        texts = self._entry(name, list, "a list")
        if not all(isinstance(each, str) for each in texts):
            raise InputError(f"{self._name(name)} is no list of texts")
        return tuple(texts)

    def object(self, name: str) -> Fields:
        """An entry that is an object."""
        return Fields(self._entry(name, dict, "an object"), self._name(name))

    def object_or_none(self, name: str) -> Fields | None:
        """An entry that is an object, None where it is null or absent."""
        return None if self.content.get(name) is None else self.object(name)

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of an entry that is a list of them."""
        for index, each in enumerate(self._entry(name, list, "a list")):
            yield Fields(each, f"{self._name(name)}[{index}]")

    def _entry(self, name: str, kinds: type | tuple[type, ...], wanted: str) -> Any:
        if name not in self.content:
            raise InputError(f"{self._name(name)} is missing")
        value = self.content[name]
        if not isinstance(value, kinds):
            raise InputError(f"{self._name(name)} is {kind_of(value)} and not {wanted}")
        return value

    def _name(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name
