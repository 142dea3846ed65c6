"""The indicators of many modules, one after the other or in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from tegnas.data import Batch
from tegnas.data.resize import resize
from tegnas.errors import InputError
from tegnas.scoring.module import ModuleScore, score_module
from tegnas.scoring.module_progress import LongScoreWarning
from tegnas.scoring.ranking import positions, rank_score
from tegnas.scoring.settings import ScoreSettings

if TYPE_CHECKING:
    import pandas as pd

Make = Callable[[], nn.Module]


@dataclass(frozen=True)
class ModuleRow:
    """One of many modules.

    Attributes:
        name: as it was asked for.
        score: None where the module couldn't be made or scored.
        parameters: their number, all of them.
        side: height and width of the images that it saw.
        seconds: that making and scoring it took.
        notes: what was warned of.
        refused: why there is no score, in one sentence; empty where there is one.
    """

    name: str
    score: ModuleScore | None
    parameters: int
    side: int
    seconds: float
    notes: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class ModuleScores:
    """The scores of many modules, in the order asked for.

    Attributes:
        settings: how they were scored.
        rows: one per module.
    """

    settings: ScoreSettings
    rows: tuple[ModuleRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ModuleRow]:
        return iter(self.rows)

    def ranked(self) -> list[ModuleRow]:
        """The modules that have scores, best first by all indicators; the first wins a tie.

        An indicator that isn't defined for one of them takes no part.
        """
        scored = [row for row in self.rows if row.score is not None]
        return [scored[index] for index in np.argsort(self._rank_score(scored), kind="stable")]

    def positions(self) -> dict[str, int]:
        """The place of every module that has scores, from 1; ties share theirs."""
        scored = [row for row in self.rows if row.score is not None]
        places = positions(self._rank_score(scored)) + 1
        return dict(zip((row.name for row in scored), places.tolist(), strict=True))

    def to_frame(self) -> pd.DataFrame:
        """A pandas table: module, parameters, side, each indicator, position (1 is best)."""
        import pandas as pd

        return pd.DataFrame(self.records())

    def records(self) -> list[dict[str, object]]:
        """A dictionary per module, None where there is no score."""
        places = self.positions()
        return [
            {
                "model": row.name,
                "parameters": row.parameters,
                "side": row.side,
                **{
                    name: None if row.score is None else row.score[name]
                    for name in self.settings.names
                },
                "position": places.get(row.name),
                "seconds": row.seconds,
                "refused": row.refused,
            }
            for row in self.rows
        ]

    def _rank_score(self, scored: Sequence[ModuleRow]) -> np.ndarray:
        scores = [row.score for row in scored if row.score is not None]
        columns = [np.array([each[name] for each in scores]) for name in self.settings.names]
        return rank_score(self.settings.indicators, columns, self.settings.combination)


def score_modules(
    makers: Mapping[str, Make],
    batch: Batch,
    *,
    settings: ScoreSettings | None = None,
    sides: Mapping[str, int] | None = None,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> ModuleScores:
    """Score modules, each made when its turn comes, with weights drawn by ``settings.seed``.

    Args:
        makers: by name, what makes each module. With several workers they must be functions of a
            file, or ``functools.partial`` of them, since they go to other processes; these start by
            importing the main program, whose own work must stand under ``if __name__ ==
            "__main__"``.
        batch: labelled images.
        settings: how to score, by default the preset ``best``; see ``score_module``.
        sides: of the modules that are made for images of one size: theirs are resized to it.
        workers: processes, each with one thread.
        progress: called with the number of modules done.

    Returns:
        A row for every module. One that can't be made or scored has a sentence in its place, and
        stops nothing.

    Raises:
        InputError: no modules, or fewer workers than one.
    """
    settings = settings or ScoreSettings()
    if not makers:
        raise InputError("there is no module to score")
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}")
    jobs = [
        (name, make, _of_side(batch, (sides or {}).get(name)), settings)
        for name, make in makers.items()
    ]
    rows: dict[str, ModuleRow] = {}
    for row in map(_score, jobs) if workers == 1 else _in_parallel(jobs, workers):
        rows[row.name] = row
        if progress is not None:
            progress(len(rows))
    return ModuleScores(settings, tuple(rows[name] for name in makers))


Job = tuple[str, Make, Batch, ScoreSettings]


def _of_side(batch: Batch, side: int | None) -> Batch:
    if side is None or batch.images.shape[2:] == (side, side):
        return batch
    return replace(
        batch, images=resize(batch.images, side), val_images=resize(batch.val_images, side)
    )


def _score(job: Job) -> ModuleRow:
    name, make, batch, settings = job
    side = batch.images.shape[-1]
    started = time.perf_counter()
    score, parameters, refused = None, 0, ""
    with warnings.catch_warnings(record=True) as caught, torch.random.fork_rng(devices=[]):
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", LongScoreWarning)  # ``progress`` tells how far all are
        torch.manual_seed(settings.seed)
        try:
            network = make()
            parameters = sum(each.numel() for each in network.parameters())
            score = score_module(network, batch, settings=settings)
        except Exception as error:  # whatever somebody's model raises
            reason = " ".join(str(error).split()) or "no reason given"
            refused = (
                reason if isinstance(error, InputError) else f"{type(error).__name__}: {reason}"
            )
    notes = dict.fromkeys(
        str(each.message) for each in caught if issubclass(each.category, UserWarning)
    )
    seconds = time.perf_counter() - started
    return ModuleRow(name, score, parameters, side, seconds, tuple(notes), refused)


def _in_parallel(jobs: Sequence[Job], workers: int) -> Iterator[ModuleRow]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_begin)
    try:
        for done in as_completed([pool.submit(_score, job) for job in jobs]):
            yield done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """In a new process: one thread, no Ctrl-C, which is for its parent, and an end with that."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
