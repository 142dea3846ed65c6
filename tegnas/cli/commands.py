"""The commands by name, each imported when it is used: torch takes seconds, and help needs none.

Help is plain text, so that no name of an option is cut, whatever the width.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tegnas.errors import InputError

# Of each command its module in ``tegnas.cli`` and function, and the first line of its help.
COMMANDS = {
    "search": "Search a space for the architecture of the best T, E and G.",
    "refine": "Train a few candidates of a finished search and give the best.",
    "runs": "List the runs of a directory: what they are, how far, and how to go on.",
    "show": "Show a run: its state, the best so far, and how to go on.",
    "report": "Write one HTML file about runs that opens anywhere, without a network.",
    "watch": "Show searches in a browser while they run, in the page of `tegnas report`.",
    "plot": "Draw runs: landscapes, the paths of the searches, their course, the best.",
    "export": "Write an architecture as PyTorch source, text, JSON or ONNX.",
    "train": "Train the full network of an architecture by the recipe of its space.",
    "score": "Score architectures, or models of timm: T, E and G at initialisation, ranked.",
    "compare": "Compare strategies over several seeds: finds, evaluations, seconds, accuracy.",
    "correlate": "Compare indicators, other scores and trivial baselines with true accuracy.",
    "benchmark": "Compare scores with trained accuracy over the tables of public benchmarks.",
    "doctor": "Show versions, the native build, SIMD level, CUDA devices and native operators.",
    "plan": "For people with a GPU: what scoring launches there, and the least time it takes.",
}

_WIDEST = 120
_PLAIN = {"max_content_width": _WIDEST}


class Command(TyperCommand):
    """A command whose options are listed by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then the options of each panel, those without one first."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            of_kind = "Options"
            if parameter.param_type_name == "argument":
                # Newer releases of typer add the type of Python, as list[str], to its name.
                of_kind, record = "Arguments", (record[0].partition(" <")[0], record[1])
            panel = getattr(parameter, "rich_help_panel", None) or of_kind
            sections.setdefault(panel, []).append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


class Commands(TyperGroup):
    """All commands."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "context_settings": _PLAIN})

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, imported.

        Raises ``InputError`` if there is none.
        """
        if cmd_name not in COMMANDS:
            near = difflib.get_close_matches(cmd_name, COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
            raise InputError(f"there is no command {cmd_name!r}; {hint}")
        function = getattr(importlib.import_module(f"tegnas.cli.{cmd_name}"), cmd_name)
        alone = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        alone.command(cmd_name, cls=Command, context_settings=_PLAIN)(function)
        return get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Names and first lines, of which none is imported."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
