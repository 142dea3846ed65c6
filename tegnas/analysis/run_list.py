"""What runs there are in a directory, how far each is and how it goes on; no run's code is run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tegnas.analysis.unfinished import is_unfinished
from tegnas.errors import InputError
from tegnas.files import read_json
from tegnas.refine.journal import FILE as TRAININGS
from tegnas.refine.result import FILE as REFINED
from tegnas.scoring import ScoreSettings
from tegnas.scoring.presets import nearest_preset
from tegnas.search.command import command_of
from tegnas.search.run_directory import (
    BUDGET,
    CONFIGURATION,
    REFINES,
    RESULT,
    SCORES,
    TRAINING,
    is_running,
)
from tegnas.search.store import count_scores
from tegnas.spaces import get_space, space_names
from tegnas.spaces.loading import is_reference
from tegnas.spaces.recipe import Recipe
from tegnas.spaces.short_form import short_form
from tegnas.train.log import LOG

RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"
# What isn't a search.
TRAINED, REFINEMENT = "training", "refinement"

# Directories within directories that are looked into: those of a comparison hold runs.
_DEPTH = 2
# The fields of a recipe that the command has options for.
_RECIPE = ("epochs", "batch_size", "learning_rate", "cutout", "auxiliary")


@dataclass(frozen=True)
class ListedRun:
    """One run.

    Attributes:
        path: its directory.
        what: the strategy, or ``training`` or ``refinement``.
        space, preset, images, seed: what was asked for; a preset is of a search alone.
        state: ``running``, ``finished`` or ``stopped``.
        done, of: evaluations (different architectures, of one that hasn't ended), epochs or
            trainings, and how many there are to be; None where that isn't written.
        best: of what is finished, in its short form; the architecture of a training.
        command: what goes on with it, or makes it again; None where it can't be told.
    """

    path: str
    what: str
    space: str
    preset: str | None
    images: str
    seed: object
    state: str
    done: int
    of: int | None
    best: str | None
    command: str | None

    def to_json(self) -> dict[str, object]:
        """Ready for JSON."""
        return asdict(self)


def list_runs(directory: Path) -> list[ListedRun]:
    """The runs in a directory and the directories in it, in the order of their names.

    Raises:
        InputError: there is no such directory.
    """
    if not directory.is_dir():
        raise InputError(f"{directory} is no directory; runs are in runs/ unless --out was given")
    return [listed_run(path) for path in sorted(_found(directory, _DEPTH))]


def listed_run(path: Path) -> ListedRun:
    """One run; ``InputError`` if its configuration can't be read."""
    asked = read_json(path / CONFIGURATION, "the configuration of a run")
    if TRAINING in asked:
        return _training(path, asked)
    return _refinement(path, asked) if REFINES in asked else _search(path, asked)


def _found(directory: Path, depth: int) -> Iterator[Path]:
    if (directory / CONFIGURATION).is_file():
        yield directory
    elif depth:
        for each in directory.iterdir():
            if each.is_dir() and not each.is_symlink():
                yield from _found(each, depth - 1)


def _search(path: Path, asked: Mapping[str, Any]) -> ListedRun:
    space = str(asked.get("space"))
    running, unfinished = is_running(path), is_unfinished(path)
    result = {}
    if (path / RESULT).is_file():
        result = read_json(path / RESULT, "a saved search result")
    history, best = result.get("history", ()), result.get("best", {}).get("arch")
    # A copy of a finished run may have got later times.
    distinct = len({str(each.get("arch")) for each in history})
    unfinished = unfinished and count_scores(path / SCORES) > distinct
    try:
        scored = ScoreSettings.from_json(asked.get("score", {}))
        preset: str | None = nearest_preset(scored)[0]
        command: str | None = command_of({**result.get("settings", {}), **asked}, scored, str(path))
    except InputError:  # by indicators from a file, which isn't run because a run names it
        preset = command = None
    return ListedRun(
        str(path),
        str(asked.get("strategy")),
        space,
        preset,
        str(asked.get("images")),
        asked.get("seed"),
        RUNNING if running else STOPPED if unfinished or not result else FINISHED,
        count_scores(path / SCORES) if unfinished else len(history),
        asked.get(BUDGET),
        None if best is None or unfinished else _short(space, str(best)),
        command,
    )


def _refinement(path: Path, asked: Mapping[str, Any]) -> ListedRun:
    space = str(asked.get("space"))
    finished = (path / REFINED).is_file()
    result = read_json(path / REFINED, "a saved result of tegnas refine") if finished else {}
    trained = read_json(path / TRAININGS, "trainings") if (path / TRAININGS).is_file() else {}
    best = result.get("best", {}).get("arch")
    return ListedRun(
        str(path),
        REFINEMENT,
        space,
        None,
        str(asked.get("images", "of a table")),
        asked.get("seed"),
        FINISHED if finished else STOPPED,
        len(trained),
        result.get("trainings"),
        None if best is None else _short(space, str(best)),
        None,
    )


def _training(path: Path, asked: Mapping[str, Any]) -> ListedRun:
    space, recipe = str(asked.get("space")), asked.get("recipe", {})
    log = path / LOG
    done = len(log.read_text("utf-8").splitlines()) if log.is_file() else 0
    finished = done >= recipe.get("epochs", Recipe.epochs)
    words = ["tegnas", "train", _short(space, str(asked.get(TRAINING))), "--space", space]
    words += ["--images", str(asked.get("images")), "--seed", str(asked.get("seed"))]
    words += ["--image-size", str(asked.get("image_shape", [0])[-1])]
    for name, value in (
        ("channels", asked.get("channels")),
        ("cells", asked.get("cells")),
        *((name, recipe.get(name)) for name in _RECIPE),
    ):
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--flip" if recipe.get("flip") else "--no-flip", "--out", str(path)]
    return ListedRun(
        str(path),
        TRAINED,
        space,
        None,
        str(asked.get("images")),
        asked.get("seed"),
        RUNNING if is_running(path) else FINISHED if finished else STOPPED,
        done,
        recipe.get("epochs"),
        _short(space, str(asked.get(TRAINING))),
        shlex.join(words) if space in space_names() else None,  # else it is one from a file
    )


def _short(space: str, text: str) -> str:
    if is_reference(space):
        return text
    try:
        known = get_space(space)
        return short_form(known, known.parse(text))
    except InputError:
        return text
