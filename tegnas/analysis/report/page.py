"""The page: its document, the code that draws it and plotly, in one file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from tegnas.analysis.report.document import document
from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable
from tegnas.errors import InputError
from tegnas.files import write_atomically

# In the order in which each needs those before it.
_SCRIPTS = (
    "elements",
    "look",
    "cells",
    "architectures",
    "details",
    "table",
    "charts",
    "choices",
    "texts",
    "main",
)


def write_report(
    runs: Sequence[Run],
    path: str | Path,
    *,
    scores: ScoreTable | None = None,
    accuracies: Mapping[str, float] | None = None,
    layout: str = "pls",
) -> None:
    """Write one HTML file without references to anything outside of it.

    Args:
        runs: see ``load_runs``; an exhaustive run makes the landscapes complete and is not drawn
            as a path.
        scores: what the landscapes are made of; by default all that the runs scored.
        accuracies: percent by architecture string, where known.
        layout: see ``lay_out``.

    Raises:
        InputError: plotly is missing, or the file can't be written.
    """
    content = document(runs, scores=scores, accuracies=accuracies, layout=layout)
    write_atomically(path, page({"content": content}, content["title"]))


def page(content: Mapping[str, Any], title: str, *, live: bool = False) -> str:
    """The page of a document, which is its ``content``; a live one asks its server for newer ones.

    Only the scripts of this package run, by their hashes: whatever is in a name is text.
    """
    template = Template(_asset("page.html"))
    return template.substitute(
        policy=policy(live=live),
        title=escape(title),
        style=_asset("page.css"),
        live="true" if live else "false",
        document=as_json(content).replace("<", "\\u003c"),
        plotly=_plotly(),
        script=_script(),
    )


def policy(*, live: bool) -> str:
    """What a browser lets the page do: run its own scripts, and ask nobody but its server."""
    hashes = " ".join(f"'sha256-{_sha256(each)}'" for each in (_plotly(), _script()))
    asking = "; connect-src 'self'" if live else ""
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"font-src data:; base-uri 'none'; form-action 'none'{asking}"
    )


def as_json(content: Mapping[str, Any]) -> str:
    """A document in as few characters as can be."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _asset(name: str) -> str:
    return (files("tegnas.analysis.report") / "assets" / name).read_text("utf-8")


@cache
def _script() -> str:
    return "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)


@cache
def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise InputError(
            "a report needs the package plotly; install it with: pip install 'tegnas[plot]'"
        ) from None
    # A browser hashes a script after it has read its line ends.
    return get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
