"""Made-up runs and scores for the tests of pictures and reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tegnas.analysis.score_table import ScoreTable
from tegnas.scoring.scores import Scores
from tegnas.search import Evaluation, SearchResult
from tegnas.search.evaluation import best_of
from tegnas.search.store import ScoreStore
from tegnas.spaces import get_space

SPACE = get_space("nas-bench-201")


def made_up_scores(archs: tuple, seed: int = 0) -> ScoreTable:
    """More convolutions are better, with noise; what has no path fails."""
    rng = np.random.default_rng(seed)
    convolutions = np.array([str(arch).count("conv_3") + 0.1 for arch in archs])
    kappa = np.exp(9 - convolutions + rng.normal(0, 0.3, len(archs)))
    mse = np.exp(-0.1 * convolutions + rng.normal(0, 0.05, len(archs)))
    failed = np.array([not SPACE.is_connected(arch) for arch in archs])
    kappa[failed] = mse[failed] = np.inf
    regions = np.round(400 * convolutions + rng.normal(0, 60, len(archs)) + 300)
    return ScoreTable(SPACE, archs, kappa, regions, mse)


def write_run(path: Path, archs: tuple, strategy: str = "evolution", seed: int = 0) -> Path:
    """A run directory as ``tegnas.search`` leaves it, of made-up scores."""
    scores = made_up_scores(archs)
    path.mkdir(parents=True)
    repeats = [
        torch.from_numpy(values[:, None].astype(np.float64).copy())
        for values in (scores.kappa, scores.regions, scores.mse)
    ]
    store = ScoreStore(path / "scores.sqlite", space=SPACE.name, settings="s", data="d")
    store.add(Scores(archs, *repeats))
    store.close()
    rows = zip(archs, scores.kappa, scores.regions, scores.mse, strict=True)
    history = tuple(Evaluation(arch, float(k), float(r), float(m)) for arch, k, r, m in rows)
    settings = {
        "tegnas": "0", "space": SPACE.name, "strategy": strategy, "options": {"population": 8},
        "seed": seed, "score": {"batch_norm": "frozen", "repeats": 1}, "images": "<digits>",
        "train": 64, "val": 64, "data": "d", "budget": len(archs),
    }  # fmt: skip
    SearchResult(SPACE.name, best_of(history), history, 1.5, settings).save(path / "result.json")
    return path
