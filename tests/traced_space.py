"""A space whose programs are traced from its networks, although it writes them itself."""

from __future__ import annotations


class Traced:
    """All of a space but ``program`` and what is made of it."""

    def __init__(self, space) -> None:
        self._space = space
        self.name = space.name

    def __getattr__(self, name):
        if name in ("program", "program_template"):
            raise AttributeError(name)
        return getattr(self._space, name)
