"""Where commands print: nothing is cut or folded where nobody looks through a window."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

# Wider than any table: what goes into a pipe or a file has no window to fit into.
_WHOLE = 10_000


def output() -> Console:
    """Standard output: as wide as the terminal, or as its contents if it is none."""
    window = sys.stdout is not None and sys.stdout.isatty()
    return Console() if window else Console(width=_WHOLE)


def fits(console: Console, table: Table) -> bool:
    """Whether a table is shown whole, no line of it broken."""
    unbounded = console.options.update(max_width=_WHOLE)
    return Measurement.get(console, unbounded, table).maximum <= console.width
