"""Architecture strings in tables: broken where they may be, not within a name."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from tegnas.analysis.architecture_parts import architecture_parts


class ArchitectureText:
    """As many parts on each line as fit; where the column is narrower than a part, it is folded."""

    def __init__(self, text: str) -> None:
        self._parts = architecture_parts(text)

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
