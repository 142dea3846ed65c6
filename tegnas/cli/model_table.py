"""How the scores of many modules look in a terminal and in a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from rich.table import Table

from tegnas.cli.scoring_options import used
from tegnas.cli.tables import indicator_heading
from tegnas.cli.terminal import output
from tegnas.files import write_atomically
from tegnas.scoring.modules import ModuleScores


def print_models(scores: ModuleScores) -> None:
    """A table of what was scored, best first, and a line for what wasn't."""
    indicators = scores.settings.indicators
    table = Table(title=f"{len(scores)} models, best first", title_justify="left")
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("parameters", justify="right")
    table.add_column("side", justify="right")
    for each in indicators:
        table.add_column(indicator_heading(each), justify="right")
    places = scores.positions()
    for row in scores.ranked():
        assert row.score is not None
        table.add_row(
            str(places[row.name]),
            row.name,
            f"{row.parameters:,}",
            str(row.side),
            *(each.text(row.score[each.name]) for each in indicators),
        )
    console = output()
    console.print(table)
    console.print(used(scores.settings), highlight=False, markup=False)
    said: dict[str, list[str]] = {}
    for row in scores:
        for note in row.notes:
            said.setdefault(note, []).append(row.name)
    for note, names in said.items():
        console.print(f"Note on {', '.join(names)}: {note}", highlight=False, markup=False)
    for row in scores:
        if row.refused:
            console.print(f"Not scored: {row.name}: {row.refused}", highlight=False, markup=False)


def write_models(scores: ModuleScores, path: Path) -> None:
    """Write the table as CSV."""
    records = scores.records()
    text = io.StringIO()
    writer = csv.DictWriter(text, records[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_atomically(path, text.getvalue())
