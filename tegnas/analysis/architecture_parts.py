"""Where the text of an architecture may be broken into lines."""

from __future__ import annotations

import re

# After a separator, and after the bar that ends a term.
_BREAKS = re.compile(r"(?<=[+,;\s-])|(?<=\w\|)(?=\w)")


def architecture_parts(text: str) -> list[str]:
    """The parts between which a line may end, so that no name of an operation is broken."""
    return [part for part in _BREAKS.split(text) if part]
