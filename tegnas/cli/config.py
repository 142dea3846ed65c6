"""``--config FILE.yaml`` and ``--print-config`` of a command: its options as a file."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from tegnas.errors import InputError
from tegnas.files import read_regular
from tegnas.user_file import is_reference

_PANEL = "Configuration"
_LARGEST = 2**20  # bytes
_OWN = {"config", "print_config", "help"}
# Options that are given as NAME=VALUE, which a file may hold as a mapping.
_ASSIGNMENTS = {"option"}


def with_config(command: Callable[..., None]) -> Callable[..., None]:
    """A command that also takes its options from a file, and prints them as such a file.

    What the command line says wins over the file.
    """
    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)

    @functools.wraps(command)
    def run(context: typer.Context, config: Path | None, print_config: bool, **given: Any) -> None:
        if print_config:
            print(_printed(context, given), end="")
        else:
            command(**given)

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, default, kind in (
            ("context", inspect.Parameter.empty, typer.Context),
            ("config", None, _CONFIG),
            ("print_config", False, _PRINT),
        )
    ]
    parameters += [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name])
        for each in signature.parameters.values()
    ]
    del run.__wrapped__
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _read(context: typer.Context, path: Path | None) -> Path | None:
    """Before any other option is read: what the file says becomes their default."""
    if path is not None:
        context.default_map = {**(context.default_map or {}), **read_options(path, context)}
    return path


_CONFIG = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.yaml",
        help="Take options from a file; those given here win over it.",
        is_eager=True,
        callback=_read,
        rich_help_panel=_PANEL,
    ),
]
_PRINT = Annotated[
    bool,
    typer.Option(
        "--print-config", help="Print all options as such a file, and stop.", rich_help_panel=_PANEL
    ),
]


def read_options(path: Path, context: typer.Context) -> dict[str, Any]:
    """The options in a file, by name of the command's parameter.

    Args:
        path: a YAML file of one mapping, from options as they are written (``image-size``, with or
            without the hyphens in front, or with underscores) to values; null is an option that
            isn't given.
        context: of the command.

    Raises:
        InputError: the file can't be read, isn't such a mapping, has an option that the command
            hasn't, or names code: that is run only if it is named on the command line.
    """
    import yaml  # only where a file is read or written: commands work without it

    try:
        content = yaml.safe_load(read_regular(path, limit=_LARGEST))
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}; check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is no YAML ({reason})") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(
            f"{path} must hold options and their values, one 'NAME: VALUE' a line, and holds a "
            f"{type(content).__name__}"
        )
    known = _names(context)
    read: dict[str, Any] = {}
    for key, value in content.items():
        name = str(key).lstrip("-").replace("-", "_")
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0].replace('_', '-')}?" if near else ""
            raise InputError(f"{path}: {context.command_path} has no option {str(key)!r}{hint}")
        if value is not None:
            read[known[name]] = _checked(path, str(key), value, several=name in _ASSIGNMENTS)
    return read


def _names(context: typer.Context) -> dict[str, str]:
    """What options are called in a file, and the parameters that they set."""
    names: dict[str, str] = {}
    for parameter in context.command.params:
        if parameter.name is None or parameter.name in _OWN:
            continue
        for option in (parameter.name, *parameter.opts):
            if option == parameter.name or option.startswith("--"):
                names[option.lstrip("-").replace("-", "_")] = parameter.name
    return names


def _checked(path: Path, key: str, value: Any, *, several: bool) -> Any:
    if several and isinstance(value, Mapping):
        value = [f"{name}={each}" for name, each in value.items()]
    parts = value if isinstance(value, list) else [value]
    for part in parts:
        if not isinstance(part, str | int | float):
            raise InputError(
                f"{path}: {key} must be a value or a list of values, not {type(part).__name__}"
            )
        for text in str(part).split(","):
            if is_reference(text.strip()):
                raise InputError(
                    f"{path} names code, {text.strip()}, which isn't run on the word of a file; "
                    f"give it on the command line: --{key.lstrip('-').replace('_', '-')} {part}"
                )
    return value


def _printed(context: typer.Context, given: Mapping[str, Any]) -> str:
    """All options that a command has, as a file that ``--config`` reads."""
    options: dict[str, Any] = {}
    for parameter in context.command.params:
        if parameter.name in given and parameter.name is not None:
            longest = max(parameter.opts, key=len, default=parameter.name)
            options[longest.lstrip("-")] = _plain(given[parameter.name])
    import yaml

    return yaml.safe_dump(options, sort_keys=False, allow_unicode=True, width=100)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
