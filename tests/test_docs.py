"""The examples of README and documentation run, their commands parse, and their links lead on."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from tegnas.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)

_SNIPPET = re.compile(r'^--8<-- "(examples/.*)"$', re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [
        _SNIPPET.sub(lambda found: (ROOT / found[1]).read_text("utf-8"), text)
        for name, text in _BLOCK.findall(page.read_text("utf-8"))
        if name == language
    ]


def commands(page: Path) -> list[str]:
    """The calls of tegnas in the shell blocks of a page."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("tegnas ")]


def each_page(pages: list[Path]) -> pytest.MarkDecorator:
    """Runs a test on every one of the pages."""
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


# Pages on other libraries are tests/test_examples_with_libraries.py's.
OWN = [page for page in PAGES if page.parent.name != "with"]


@each_page([page for page in OWN if blocks(page, "python")])
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for example in blocks(page, "python"):
        # Where the reader should search for long enough, the test needn't.
        example = example.replace("budget=500", "budget=8")
        exec(compile(example, str(page), "exec"), names)


@each_page([page for page in PAGES if commands(page)])
def test_commands_parse(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content in blocks(page, "yaml"):
        Path(content.splitlines()[0].removeprefix("# ")).write_text(content)
    group = typer.main.get_command(app)
    for command in commands(page):
        name, *arguments = shlex.split(command, comments=True)[1:]
        subcommand = group.get_command(typer.Context(group), name)
        assert subcommand is not None, command
        # Parsed and not run: a wrong option or value raises.
        subcommand.make_context(name, arguments)


@each_page(PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).is_file(), f"{page.name} links to {target}"
