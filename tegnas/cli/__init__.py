"""The ``tegnas`` command: thin, every option is an argument of the Python interface."""

from __future__ import annotations

import typer

from tegnas.cli.benchmark import benchmark
from tegnas.cli.compare import compare
from tegnas.cli.correlate import correlate
from tegnas.cli.doctor import doctor
from tegnas.cli.export import export
from tegnas.cli.faults import one_sentence, warn_in_a_line, write_whatever_the_locale
from tegnas.cli.plan import plan
from tegnas.cli.plot import plot
from tegnas.cli.refine import refine
from tegnas.cli.report import report
from tegnas.cli.score import score
from tegnas.cli.search import search
from tegnas.cli.train import train

app = typer.Typer(
    name="tegnas",
    help="Neural architecture search without training: score and search architectures at "
    "initialisation by trainability, expressivity and generalization (TEG-NAS).",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(search)
app.command()(refine)
app.command()(compare)
app.command()(score)
app.command()(correlate)
app.command()(benchmark)
app.command()(plot)
app.command()(report)
app.command()(export)
app.command()(train)
app.command()(doctor)
app.command()(plan)


def main() -> None:
    """Entry point: user errors are one sentence on stderr and exit status 2."""
    write_whatever_the_locale()
    warn_in_a_line()
    with one_sentence():
        app()
