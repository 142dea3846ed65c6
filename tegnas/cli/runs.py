"""``tegnas runs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tegnas.analysis.run_list import FINISHED, ListedRun, list_runs
from tegnas.cli import options
from tegnas.cli.tables import plain_table
from tegnas.cli.terminal import output


def runs(
    directory: Annotated[Path, typer.Argument(help="Where to look, two levels deep.")] = Path(
        "runs"
    ),
    as_json: options.Json = False,
) -> None:
    """List the runs of a directory: what they are, how far, and how to go on."""
    found = list_runs(directory)
    if as_json:
        print(json.dumps({"runs": [each.to_json() for each in found]}))
        return
    console = output()
    if not found:
        console.print(f"No runs in {directory}", markup=False, highlight=False)
        return
    table = plain_table("")
    for heading in ("run", "space", "what", "state", "done", "best"):
        table.add_column(heading, justify="right" if heading == "done" else "left", overflow="fold")
    for each in found:
        table.add_row(
            str(Path(each.path).relative_to(directory)), each.space, each.what, each.state,
            done(each), each.best or "—",
        )  # fmt: skip
    console.print(table)
    for each in found:
        if each.state != FINISHED and each.command is not None:
            console.print(
                f"{each.state}, goes on by: {each.command}",
                soft_wrap=True, markup=False, highlight=False,
            )  # fmt: skip


def done(run: ListedRun) -> str:
    """How far a run is: ``120 of 1,000``."""
    if run.of is None or run.state == FINISHED and run.of <= run.done:
        return f"{run.done:,}"
    return f"{run.done:,} of {run.of:,}"
