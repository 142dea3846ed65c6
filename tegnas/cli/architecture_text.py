"""How architectures are written in tables: in their short form, or whole if that is asked for."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.text import Text

from tegnas.analysis.architecture_parts import architecture_parts
from tegnas.spaces import Architecture, Space
from tegnas.spaces.short_form import short_form

Written = Callable[[Architecture], RenderableType]
"""What stands for an architecture in a table."""


def written(space: Space, long: bool) -> Written:
    """The short form, which is never broken; or the whole text, broken where it may be."""
    if long:
        return lambda arch: ArchitectureText(str(arch))
    return lambda arch: Text(short_form(space, arch), no_wrap=True, overflow="fold")


class ArchitectureText:
    """As many parts on each line as fit; where the column is narrower than a part, it is folded."""

    def __init__(self, text: str) -> None:
        self._parts = architecture_parts(text)

    def __str__(self) -> str:
        return "".join(self._parts)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        lengths = [len(part.rstrip()) for part in self._parts]
        return Measurement(max(lengths), sum(map(len, self._parts))).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [""]
        for part in self._parts:
            if lines[-1] and len(lines[-1]) + len(part.rstrip()) > options.max_width:
                lines.append("")
            lines[-1] += part
        yield Text("\n".join(line.rstrip() for line in lines), overflow="fold")
