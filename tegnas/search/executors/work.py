"""What runs in a worker: a scorer made once, and batches of architecture strings."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from functools import lru_cache

import torch

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space, get_space

# Architectures in one batch of a worker: what is lost when it dies.
BATCH = 16

Table = dict[str, list[list[float]]]
"""By name of the indicator, the value of every network of every architecture."""


def pack_task(space: Space, batch: Batch, settings: ScoreSettings, seeds: Sequence[int]) -> bytes:
    """Everything that a worker needs, as bytes.

    A space from a file travels as its reference, because the worker has to load the file itself.
    Raises ``InputError`` for a space that can't travel.
    """
    try:
        return pickle.dumps(
            (getattr(space, "reference", None) or space, batch, settings, tuple(seeds))
        )
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"the space {space.name!r} or an indicator can't be sent to other processes "
            f"({error}); define their functions at the top of a module, or use --executor "
            "in-process"
        ) from None


@lru_cache(maxsize=1)
def _scorer(task: bytes) -> tuple[Space, Scorer]:
    # One thread each, so that workers don't compete and sums have one order everywhere.
    torch.set_num_threads(1)
    space, batch, settings, seeds = pickle.loads(task)
    if isinstance(space, str):
        space = get_space(space)
    return space, Scorer(space, batch, settings, seeds)


def score_batch(task: bytes, item: tuple[Sequence[str], range | None]) -> tuple[int, Table]:
    """The scores of some architectures in some networks, and who computed them.

    Plain lists, because tensors would travel in memory shared with a process that may die.
    """
    space, scorer = _scorer(task)
    archs, networks = item
    scores = scorer([space.parse(arch) for arch in archs], networks)
    return os.getpid(), {name: values.tolist() for name, values in scores.networks.items()}


def scores_of(archs: Sequence[Architecture], settings: ScoreSettings, table: Table) -> Scores:
    """The scores that a worker sent back."""
    return Scores(
        tuple(archs),
        settings,
        {name: torch.tensor(rows, dtype=torch.float64) for name, rows in table.items()},
    )
