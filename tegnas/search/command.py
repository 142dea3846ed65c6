"""The command that makes a search again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tegnas.scoring.presets import nearest_preset
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.result import SearchResult

# Settings of the score whose option isn't simply named like them.
_FLAGS = ("share_isomorphic",)


def search_command(result: SearchResult) -> str:
    """``tegnas search …`` with everything that was set, so that it gives the same result.

    A search from Python whose networks, images and strategy had different seeds can't be had from
    the command, which has one seed; the line then ends in a comment that says so.
    """
    asked = dict(result.settings)
    if result.pareto is not None:
        asked["pareto"] = result.pareto.objective
    return command_of(asked, result.best.settings)


def command_of(asked: Mapping[str, Any], scored: ScoreSettings, out: str | None = None) -> str:
    """The same from a run's configuration and the settings of its scores.

    ``out``: the run directory, to go on there.
    """
    words = ["tegnas", "search"]
    for name in ("space", "images", "strategy", "budget", "seed"):
        if asked.get(name) is not None:
            words += [f"--{name}", str(asked[name])]
    words += settings_options(scored)
    for name, value in _mapping(asked.get("limits")).items():
        option = "--max-latency-ms" if name == "latency" else f"--max-{name}"
        words += [option, f"{value:.17g}"]
    for name in ("pareto", "latency_device"):
        if asked.get(name):
            words += [f"--{name.replace('_', '-')}", str(asked[name])]
    for name, value in _mapping(asked.get("options")).items():
        if value is not None:
            words += ["--option", f"{name}={value}"]
    if out is not None:
        words += ["--out", out]
    command = shlex.join(words)
    if scored.seed != asked.get("seed"):
        command += f"  # the networks had seed {scored.seed}, which only Python can set apart"
    return command


def settings_options(settings: ScoreSettings) -> list[str]:
    """The options of the command that stand for some settings, the seed left out."""
    preset, changes = nearest_preset(settings)
    return ["--preset", preset, *_options(changes)]


def _options(changes: Mapping[str, Any]) -> Iterator[str]:
    for name, value in changes.items():
        option = f"--{name.replace('_', '-')}"
        if name in _FLAGS:
            if value:
                yield option
        elif name == "indicators":
            yield from (option, ",".join(value))
        else:
            yield from (option, "0" if value is None else str(value))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
