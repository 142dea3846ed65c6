"""Landscapes of spaces too large to score whole: random walks, and neighbours of the visited."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tegnas.analysis.figures.history import pareto_indices
from tegnas.analysis.landscape import best_so_far
from tegnas.analysis.ruggedness import agreement, walk_autocorrelation
from tegnas.analysis.runs import Run
from tegnas.analysis.score_table import ScoreTable, joined
from tegnas.data import Batch, load_batch
from tegnas.errors import InputError
from tegnas.fields import Fields
from tegnas.scoring import ScoreSettings
from tegnas.scoring.labels import combined_label
from tegnas.scoring.prepare import prepared
from tegnas.scoring.score import score
from tegnas.spaces import Architecture, Space


@dataclass(frozen=True)
class SampledRuggedness:
    """What random walks tell of a space.

    Attributes:
        space: its name.
        count: distinct architectures on the walks.
        failed: how many of them fail in one of the indicators.
        autocorrelation: of each indicator and their rank score, one step apart, on ranks.
        agreement: Kendall's τ between each two indicators.
        front: share of the architectures that no other one beats in all indicators at once; the
            more, the more there is to trade.
    """

    space: str
    count: int
    failed: int
    autocorrelation: dict[str, float]
    agreement: dict[str, float]
    front: float


def sample_ruggedness(
    space: Space,
    batch: Batch,
    *,
    walks: int = 16,
    steps: int = 48,
    seed: int = 0,
    settings: ScoreSettings | None = None,
    progress: Callable[[int], None] | None = None,
) -> SampledRuggedness:
    """Score random walks, each from a random architecture by random single changes.

    Args:
        walks, steps: how many walks, and architectures on each, at least 2 of both.
        progress: called with the number of architectures scored so far.

    Raises:
        InputError: too few walks or steps.
    """
    if walks < 2 or steps < 2:
        raise InputError(f"needs 2 walks of 2 steps or more, got {walks} of {steps}")
    rng = random.Random(seed)
    paths = []
    for _ in range(walks):
        path = [space.sample(rng)]
        while len(path) < steps:
            path.append(space.mutate(path[-1], rng))
        paths.append(path)
    archs = tuple({arch: None for path in paths for arch in path})
    scores = ScoreTable.of(
        space, score(archs, batch, space=space, settings=settings, progress=progress)
    )
    index = {arch: i for i, arch in enumerate(archs)}
    places = np.array([[index[arch] for arch in path] for path in paths])
    costs = scores.costs()
    failed = int(scores.failed.sum())
    front = pareto_indices(np.stack(list(costs.values()), 1))
    costs[combined_label(scores.indicators)] = scores.rank_score
    return SampledRuggedness(
        space.name,
        len(archs),
        failed,
        {name: walk_autocorrelation(cost[places]) for name, cost in costs.items()},
        agreement(scores),
        len(front) / max(1, len(archs) - failed),
    )


def with_neighbours(
    runs: Sequence[Run],
    scores: ScoreTable,
    count: int,
    *,
    progress: Callable[[int], None] | None = None,
) -> ScoreTable:
    """Some scores and those of random neighbours of what the runs found on their way.

    Args:
        count: neighbours to add at most, the same number around each architecture that was the
            best so far.

    Raises:
        InputError: the images of the runs can't be loaded again.
    """
    known = set(scores.archs)
    rng = random.Random(0)
    around: dict[Architecture, None] = {}
    centres = [
        run.result.history[index].arch for run in runs for index in best_so_far(run.result.history)
    ]
    centres = list(dict.fromkeys(centres))
    for centre in centres:
        others = [arch for arch in scores.space.neighbours(centre) if arch not in known]
        share = min(len(others), -(-count // len(centres)))
        around.update(dict.fromkeys(rng.sample(others, share)))
    return with_architectures(runs[0], scores, tuple(around)[:count], progress=progress)


def with_architectures(
    run: Run,
    scores: ScoreTable,
    archs: Sequence[Architecture],
    *,
    progress: Callable[[int], None] | None = None,
) -> ScoreTable:
    """Some scores and those of other architectures, scored as the run scored its own.

    Raises:
        InputError: the images of the run can't be loaded again.
    """
    known = set(scores.archs)
    fresh = tuple(arch for arch in archs if arch not in known)
    if not fresh:
        return scores
    batch, settings = _as_scored(run, scores.space)
    scored = score(fresh, batch, space=scores.space, settings=settings, progress=progress)
    return joined([scores, ScoreTable.of(scores.space, scored)])


def _as_scored(run: Run, space: Space) -> tuple[Batch, ScoreSettings]:
    settings = Fields(run.result.settings, "settings")
    try:
        sizes = {name: int(settings.number(name)) for name in ("train", "val", "seed")}
        images, data = settings.text("images"), settings.text("data")
    except InputError as error:
        raise InputError(
            f"{run.name} doesn't say how it was scored ({error}), so that nothing can be added"
        ) from None
    batch = prepared(space, load_batch(images, **sizes), run.result.best.settings).batch
    if batch.fingerprint() != data:
        raise InputError(
            f"the images of {run.name} can't be loaded again as they were, so that nothing can be "
            "added to its scores"
        )
    return batch, run.result.best.settings
