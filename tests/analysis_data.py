"""Made-up runs and scores for the tests of pictures and reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from paper import SETTINGS, evaluated, scored

from tegnas.analysis.score_table import ScoreTable
from tegnas.search import SearchResult
from tegnas.search.evaluation import best_of
from tegnas.search.store import ScoreStore
from tegnas.spaces import Space, get_space

SPACE = get_space("nas-bench-201")


def made_up_scores(archs: tuple, seed: int = 0, space: Space = SPACE) -> ScoreTable:
    """More convolutions are better, with noise; what has no path fails."""
    rng = np.random.default_rng(seed)
    convolutions = np.array([str(arch).count("conv_3") + 0.1 for arch in archs])
    kappa = np.exp(9 - convolutions + rng.normal(0, 0.3, len(archs)))
    mse = np.exp(-0.1 * convolutions + rng.normal(0, 0.05, len(archs)))
    failed = np.array([not space.is_connected(arch) for arch in archs])
    kappa[failed] = mse[failed] = np.inf
    regions = np.round(400 * convolutions + rng.normal(0, 60, len(archs)) + 300)
    return ScoreTable(space, archs, SETTINGS, np.stack([kappa, regions, mse], 1))


def write_run(
    path: Path, archs: tuple, strategy: str = "evolution", seed: int = 0, space: Space = SPACE
) -> Path:
    """A run directory as ``tegnas.search`` leaves it, of made-up scores."""
    table = made_up_scores(archs, space=space)
    path.mkdir(parents=True)
    store = ScoreStore(path / "scores.sqlite", space=space.name, settings=SETTINGS, data="d")
    store.add(scored(archs, *table.values.T))
    store.close()
    history = tuple(
        evaluated(arch, *values) for arch, values in zip(archs, table.values.tolist(), strict=True)
    )
    settings = {
        "tegnas": "0", "space": space.name, "strategy": strategy, "options": {"population": 8},
        "seed": seed, "score": SETTINGS.to_json(), "images": "<digits>",
        "train": 64, "val": 64, "data": "d", "budget": len(archs),
    }  # fmt: skip
    SearchResult(space.name, best_of(history), history, 1.5, settings).save(path / "result.json")
    return path
