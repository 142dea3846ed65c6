"""The reference of commands, made from the code whenever mkdocs builds the documentation."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from tegnas.cli import app

PAGE = "commands.md"
MARK = "<!-- commands -->"


def reference() -> str:
    """Every command with its arguments and options, as Markdown below a title."""
    group = get_command(app)
    context = typer.Context(group, info_name="tegnas")
    text = get_docs_for_click(obj=group, ctx=context, name="tegnas")
    _, _, commands = text.partition("\n## ")
    # Names of commands as plain headings: links to them stay short.
    return re.sub(r"^## `tegnas (.+)`$", r"## \1", f"## {commands}", flags=re.MULTILINE)


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Put the reference in its place (an event of mkdocs)."""
    return markdown.replace(MARK, reference()) if page.file.src_uri == PAGE else markdown
