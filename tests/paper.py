"""The paper's three indicators with BatchNorm frozen: what tests of scores and searches share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tegnas import get_preset
from tegnas.scoring import Scores, ScoreSettings
from tegnas.scoring.settings import changed
from tegnas.search import Evaluation

KAPPA, REGIONS, MSE = "ntk_condition", "linear_regions", "ntk_regression_error"


def paper_settings(**changes: Any) -> ScoreSettings:
    """The preset fast with changes."""
    return changed(get_preset("fast"), **changes)


SETTINGS = paper_settings()


def evaluated(
    arch: object,
    kappa: float,
    regions: float,
    mse: float,
    accuracy: float | None = None,
    networks: Sequence[tuple[float, float, float]] = (),
) -> Evaluation:
    """An evaluation with these values, κ, R and MSE of single networks in ``networks``."""
    return Evaluation(
        arch, SETTINGS, (kappa, regions, mse), accuracy, networks=tuple(zip(*networks, strict=True))
    )


def scored(archs: Sequence[object], *columns: Any, settings: ScoreSettings = SETTINGS) -> Scores:
    """Scores of one network each, from columns of κ, R and MSE."""
    values = [torch.as_tensor(each, dtype=torch.float64).reshape(-1, 1) for each in columns]
    return Scores(tuple(archs), settings, dict(zip((KAPPA, REGIONS, MSE), values, strict=True)))
