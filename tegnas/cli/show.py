"""``tegnas show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tegnas.analysis.run_list import REFINEMENT, TRAINED, ListedRun, listed_run
from tegnas.analysis.runs import read_run
from tegnas.cli import options
from tegnas.cli.architecture_text import written
from tegnas.cli.refine_view import print_refined
from tegnas.cli.runs import headline, what_next
from tegnas.cli.tables import print_best
from tegnas.cli.terminal import output
from tegnas.errors import InputError
from tegnas.refine import RefineResult
from tegnas.refine.result import FILE as REFINED
from tegnas.search.run_directory import CONFIGURATION
from tegnas.spaces import get_space


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    top: Annotated[int, typer.Option(help="How many of the best to show.", min=1)] = 5,
    space: options.RunSpace = None,
    indicator: options.RunIndicator = None,
    long: options.Long = False,
    as_json: options.Json = False,
) -> None:
    """Show a run: its state, the best so far, and how to go on."""
    if not (run / CONFIGURATION).is_file():
        where = run if run.is_dir() else ""
        raise InputError(
            f"{run} holds no run; {f'tegnas runs {where}'.strip()} lists what there is"
        )
    listed = listed_run(run)
    chosen = None if space is None else get_space(space)
    refined = run / REFINED
    if refined.is_file():
        result = RefineResult.load(refined, chosen)
        if as_json:
            print(json.dumps({**listed.to_json(), **result.to_json()}))
        else:
            print(headline(listed))
            print_refined(result, run, written(chosen or get_space(result.space), long))
        return
    if listed.what in (TRAINED, REFINEMENT):
        if as_json:
            print(json.dumps(listed.to_json()))
        else:
            print(headline(listed))
            print(_next(listed))
        return
    read = read_run(run, chosen, options.read_indicators(indicator))
    if as_json:
        print(json.dumps({**listed.to_json(), **read.result.summary()}))
        return
    print(headline(listed))
    print_best(output(), read.result, written(read.scores.space, long), count=top)
    print(_next(listed))


def _next(run: ListedRun) -> str:
    if run.command is None:
        return "It goes on when the command that began it is given again"
    following = what_next(run)
    return following[0].upper() + following[1:]
