"""Where architectures are scored: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.scoring.settings import ScoreSettings
from tegnas.search.executors.base import Executor, WorkerDiedError
from tegnas.search.executors.in_process import InProcessExecutor
from tegnas.search.executors.pooled import Pool, PooledExecutor
from tegnas.search.executors.processes import ProcessPool
from tegnas.search.executors.ray_cluster import RayPool
from tegnas.search.executors.work import pack_task, score_batch
from tegnas.search.room import check_workers
from tegnas.spaces import Space

EXECUTORS = ("in-process", "process", "ray")


def check_executor(name: str, batch: Batch, workers: int | None, address: str | None) -> None:
    """Raise ``InputError`` for an unknown name, or a setting that the executor doesn't have."""
    if name not in EXECUTORS:
        raise InputError(f"unknown executor {name!r}; tegnas has {', '.join(EXECUTORS)}")
    if workers is not None and workers < 1:
        raise InputError(f"an executor needs at least 1 worker, got {workers}")
    if name == "in-process" and workers is not None:
        raise InputError("workers are for the executors process and ray; choose one by --executor")
    if name != "in-process" and batch.images.device.type != "cpu":
        raise InputError(
            f"the executor {name} computes on CPUs; use it with the device cpu, or the executor "
            f"in-process with the device {batch.images.device}"
        )
    if name != "ray" and address is not None:
        raise InputError("an address is for the executor ray; choose it by --executor ray")


def make_executor(
    name: str,
    space: Space,
    batch: Batch,
    settings: ScoreSettings,
    seeds: Sequence[int],
    *,
    workers: int | None = None,
    address: str | None = None,
) -> Executor:
    """The executor of that name.

    ``seeds`` are those of the small networks (see ``usable_seeds``).
    ``workers`` is the number of processes or of Ray tasks at a time, by default one per core;
    ``address`` is that of a running Ray cluster.

    Raises ``InputError`` as ``check_executor`` does, or where no Ray cluster answers.
    """
    check_executor(name, batch, workers, address)
    if name == "in-process":
        return InProcessExecutor(space, batch, settings, seeds)
    workers = workers or os.cpu_count() or 1
    task = pack_task(space, batch, settings, seeds)
    pool: Pool
    if name == "process":
        check_workers(workers, task)
        pool = ProcessPool(score_batch, task, workers)
    else:
        pool = RayPool(score_batch, task, workers, address)
    return PooledExecutor(pool, settings, workers)


__all__ = ["EXECUTORS", "Executor", "WorkerDiedError", "check_executor", "make_executor"]
