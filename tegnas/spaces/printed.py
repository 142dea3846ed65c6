"""How spaces are printed."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod


class PrintedSpace(ABC):
    """A space that is printed as its class, name and size."""

    name: str

    @abstractmethod
    def __len__(self) -> int:
        """How many architectures; ``sys.maxsize`` where there are more than that."""

    def __repr__(self) -> str:
        size = len(self)
        more = "more than " if size == sys.maxsize else ""
        return f"{type(self).__name__}({self.name!r}, {more}{size:,} architectures)"
