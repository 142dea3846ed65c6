"""``tegnas runs``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from tegnas.analysis.run_list import (
    FINISHED,
    REFINEMENT,
    RUNNING,
    STOPPED,
    TRAINED,
    ListedRun,
    list_runs,
)
from tegnas.cli import options
from tegnas.cli.tables import plain_table
from tegnas.cli.terminal import fits, output

# What runs that aren't searches are made of.
_UNITS = {TRAINED: "epoch", REFINEMENT: "training"}


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
        table.add_column(heading, justify="right" if heading == "done" else "left", no_wrap=True)
    for each in found:
        table.add_row(
            str(Path(each.path).relative_to(directory)), each.space, each.what, each.state,
            done(each), each.best or "—",
        )  # fmt: skip
    if fits(console, table):
        console.print(table)
    else:  # lines break between words, columns would within
        for each in found:
            best = "" if each.best is None or each.what == TRAINED else f", best {each.best}"
            console.print(headline(each) + best, soft_wrap=True, markup=False, highlight=False)
    for each in found:
        if each.state != FINISHED and each.command is not None:
            console.print(
                f"{each.state}, {what_next(each)}", soft_wrap=True, markup=False, highlight=False
            )


def headline(run: ListedRun) -> str:
    """A run in one line: ``runs/a: evolution on darts, images digits, seed 0; stopped, …``."""
    what = run.best if run.what == TRAINED else run.what
    unit = _UNITS.get(run.what, "evaluation")
    return (
        f"{run.path}: {what} on {run.space}, images {run.images}, seed {run.seed}; {run.state}, "
        f"{done(run)} {unit}{'' if done(run) == '1' else 's'}"
    )


def what_next(run: ListedRun) -> str:
    """What can be done with a run that has a command, by how it stands."""
    if run.state == RUNNING and run.what != TRAINED:
        return f"seen in a browser by: tegnas watch {shlex.quote(run.path)}"
    return f"{'goes on' if run.state == STOPPED else 'made'} by: {run.command}"


def done(run: ListedRun) -> str:
    """How far a run is: ``120 of 1,000``."""
    if run.of is None or run.state == FINISHED and run.of <= run.done:
        return f"{run.done:,}"
    return f"{run.done:,} of {run.of:,}"
