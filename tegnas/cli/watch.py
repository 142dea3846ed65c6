"""``tegnas watch``."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tegnas.analysis.landscape import check_layout
from tegnas.analysis.report import LiveDocument, PageServer
from tegnas.cli import options
from tegnas.cli.report import Layout, Table, read_accuracies
from tegnas.spaces import get_space


def watch(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On this machine; 0 takes a free one.")
    ] = 8765,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    table: Table = None,
    space: options.RunSpace = None,
    indicator: options.RunIndicator = None,
    layout: Layout = "pls",
) -> None:
    """Show searches in a browser while they run, in the page of `tegnas report`.

    The page is served to this machine alone and asks nobody else for anything. Runs are read and
    never written; those that are finished can be looked at as well.
    """
    check_layout(layout)
    live = LiveDocument(
        runs,
        space=None if space is None else get_space(space),
        indicators=options.read_indicators(indicator),
        accuracies=read_accuracies(table),
        layout=layout,
    )
    with PageServer(live, port) as server, suppress(KeyboardInterrupt):
        print(f"{server.url} shows {', '.join(map(str, runs))}; Ctrl-C ends it", flush=True)
        if browser:
            webbrowser.open(server.url)
        server.serve_forever()
