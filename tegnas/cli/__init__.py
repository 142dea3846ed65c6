"""The ``tegnas`` command: thin, every option is an argument of the Python interface."""

from __future__ import annotations

from typing import Annotated

import typer

from tegnas._version import __version__
from tegnas.cli.commands import Commands
from tegnas.cli.faults import one_sentence, warn_in_a_line, write_whatever_the_locale

app = typer.Typer(
    name="tegnas",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"tegnas {__version__}")
        raise typer.Exit


@app.callback()
def tegnas(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Neural architecture search without training.

    Scores and searches architectures at initialisation by trainability, expressivity and
    generalization (TEG-NAS).
    """


def main() -> None:
    """Entry point: user errors are one sentence on stderr and exit status 2."""
    write_whatever_the_locale()
    warn_in_a_line()
    with one_sentence():
        app()
