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

Table = list[list[list[float]]]


def pack_task(space: Space, batch: Batch, settings: ScoreSettings) -> bytes:
    """Everything that a worker needs, as bytes.

    A space from a file travels as its reference, because the worker has to load the file itself.
    Raises ``InputError`` for a space that can't travel.
    """
    try:
        return pickle.dumps((getattr(space, "reference", None) or space, batch, settings))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"the space {space.name!r} can't be sent to other processes ({error}); define its "
            "functions at the top of a module, or use --executor in-process"
        ) from None


@lru_cache(maxsize=1)
def _scorer(task: bytes) -> tuple[Space, Scorer]:
    # One thread each, so that workers don't compete and sums have one order everywhere.
    torch.set_num_threads(1)
    space, batch, settings = pickle.loads(task)
    if isinstance(space, str):
        space = get_space(space)
    return space, Scorer(space, batch, settings)


def score_batch(task: bytes, archs: Sequence[str]) -> tuple[int, Table]:
    """κ, R and MSE of every repeat of every architecture, and who computed them.

    Plain lists, because tensors would travel in memory shared with a process that may die.
    """
    space, scorer = _scorer(task)
    return os.getpid(), scorer([space.parse(arch) for arch in archs]).tolist()


def scores_of(archs: Sequence[Architecture], table: Table) -> Scores:
    """The scores that a worker sent back."""
    values = torch.tensor(table, dtype=torch.float64).reshape(len(archs), -1, 3)
    return Scores.from_table(tuple(archs), values)
