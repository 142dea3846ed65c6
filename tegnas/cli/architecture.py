"""Where commands read the architecture that they work on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tegnas.analysis.runs import read_run
from tegnas.data import load_batch
from tegnas.data.batch import are_images
from tegnas.errors import InputError
from tegnas.export import from_json
from tegnas.fields import Fields
from tegnas.files import read_json, read_regular
from tegnas.indicators import Indicator
from tegnas.refine import RefineResult
from tegnas.refine.result import FILE as REFINED
from tegnas.search.run_directory import CLASSES, CONFIGURATION, TRAINING, is_training
from tegnas.spaces import Architecture, Space, get_space
from tegnas.spaces.recorded import recorded_space
from tegnas.train.run import WEIGHTS

# Of architecture strings, where no space is named.
DEFAULT_SPACE = "nas-bench-201"
_LARGEST_JSON = 2**20


def read_architecture(
    text: str, space: str | None, indicators: Sequence[Indicator] = ()
) -> tuple[Space, Architecture]:
    """An architecture (short or whole), a JSON file, or the directory of a run.

    Of a search or refinement it is the best so far, of a training the one that is trained.

    ``space`` is what the user named, if anything: the space of the string, and the only one from a
    file that a run or a JSON file may be of. ``indicators`` are those of her own that a run was
    scored by.
    """
    chosen = None if space is None else get_space(space)
    if os.path.isdir(text):  # unlike pathlib's, it takes text too long for a file's name
        if os.path.exists(os.path.join(text, REFINED)):
            refined = RefineResult.load(Path(text, REFINED), chosen)
            return chosen or get_space(refined.space), refined.best.arch
        if is_training(Path(text)):
            return _of_training(Path(text), chosen)
        run = read_run(Path(text), chosen, indicators)
        return run.scores.space, run.result.best.arch
    if text.endswith(".json") and os.path.exists(text):
        try:
            return from_json(read_regular(text, limit=_LARGEST_JSON), chosen)
        except OSError as error:
            raise InputError(f"{text} can't be read: {error.strerror}") from None
    chosen = chosen or get_space(DEFAULT_SPACE)
    try:
        return chosen, chosen.parse(text)
    except InputError as error:
        raise InputError(f"{error}; nor is there a run directory or JSON file there") from None


def _of_training(directory: Path, chosen: Space | None) -> tuple[Space, Architecture]:
    asked = Fields(read_json(directory / CONFIGURATION, "the configuration of a run"))
    space = recorded_space(asked.text("space"), directory / CONFIGURATION, chosen)
    return space, space.parse(asked.text(TRAINING))


@dataclass(frozen=True)
class TrainedNetwork:
    """What the directory of a training says of the network in it.

    Attributes:
        size: arguments of ``full_network``.
        image_shape: channels, height and width of the images that it was trained on.
        auxiliary: whether it has the auxiliary classifier of DARTS.
        weights: the file.
    """

    size: dict[str, int | None]
    image_shape: tuple[int, int, int]
    auxiliary: bool
    weights: Path


def trained_network(text: str) -> TrainedNetwork | None:
    """The network of a training that has ended; None where the text names anything else."""
    if not os.path.isdir(text) or not is_training(Path(text)):
        return None
    weights = Path(text, WEIGHTS)
    if not weights.is_file():
        raise InputError(
            f"the training in {text} hasn't ended: give its command again, which tegnas show "
            f"{text} prints"
        )
    asked = Fields(read_json(Path(text, CONFIGURATION), "the configuration of a run"))
    try:
        _, channels, height, width = asked.content["image_shape"]
        return TrainedNetwork(
            {
                **{name: asked.content[name] for name in ("channels", "cells")},
                "num_classes": int(asked.number(CLASSES)),
            },
            (channels, height, width),
            asked.object("recipe").number("auxiliary") > 0,
            weights,
        )
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise InputError(
            f"{text} doesn't say what was trained ({error}); give the architecture, its channels, "
            "cells and classes, and --weights in place of the directory"
        ) from None


def images_of(text: str) -> str | None:
    """The images of the search or refinement in a directory; None where nothing says which."""
    path = os.path.join(text, CONFIGURATION)
    if not os.path.isfile(path):
        return None
    images = read_json(path, "the configuration of a run").get("images")
    return images if isinstance(images, str) else None


def example_of(text: str, space: Space) -> tuple[tuple[int, ...], torch.dtype]:
    """Shape and type of what a network reads: images of 32×32, or what a search had instead."""
    source = images_of(text)
    if source is not None:
        examples = load_batch(source, train=2, val=2, seed=0).images
        if not are_images(examples):
            return tuple(examples.shape[1:]), examples.dtype
    return (getattr(space, "image_channels", None) or 3, 32, 32), torch.float32
