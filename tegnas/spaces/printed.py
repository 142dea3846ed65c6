"""How spaces are printed."""

from __future__ import annotations

import sys


class PrintedSpace:
    """A space that is printed as its class, name and size."""

    name: str

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        size = len(self)
        more = "more than " if size == sys.maxsize else ""
        return f"{type(self).__name__}({self.name!r}, {more}{size:,} architectures)"
