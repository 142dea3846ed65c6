"""Whether a search has room for what it is going to keep, said before it begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from tegnas.errors import InputError
from tegnas.memory import check_memory
from tegnas.reading import size_text
from tegnas.scoring.settings import ScoreSettings, of_small_networks
from tegnas.spaces import Space

# At least, as measured: of one value in a store, of one evaluation with its numbers in memory, of
# a process that has loaded torch and works.
_STORED, _REMEMBERED, _WORKER = 40, 400, 128 * 2**20

_CPU = torch.device("cpu")


def check_room(space: Space, settings: ScoreSettings, budget: int, paths: Sequence[Path]) -> None:
    """Raise ``InputError`` where the scores of a search fit neither into memory nor onto the disk.

    Args:
        budget: evaluations; of a smaller space no more than it has are distinct.
        paths: what each gets all scores, made or not.
    """
    distinct = min(budget, _size(space))
    check_memory(
        _REMEMBERED * distinct, _CPU, f"a search of {distinct:,} architectures",
        "choose a smaller budget",
    )  # fmt: skip
    values = sum(
        1 if settings.race or not of_small_networks(each) else settings.repeats
        for each in settings.indicators
    )
    needed = _STORED * values * distinct
    for path in paths:
        there = next(each for each in (path, *path.absolute().parents) if each.exists())
        free = shutil.disk_usage(there).free
        if needed > free:
            raise InputError(
                f"the scores of {distinct:,} architectures need at least {size_text(needed)} in "
                f"{path} and {size_text(free)} are free there: choose another --out, or a smaller "
                "budget"
            )


def check_workers(workers: int, task: bytes) -> None:
    """Raise ``InputError`` where so many processes don't fit into memory.

    Args:
        task: what each of them is sent, and unpacks.
    """
    check_memory(
        workers * (_WORKER + 2 * len(task)), _CPU, f"the work of {workers:,} processes",
        "choose fewer --workers",
    )  # fmt: skip


def _size(space: Space) -> int:
    """How many architectures a space has, or more than can be counted."""
    try:
        return len(space)
    except OverflowError:
        return 2**63
