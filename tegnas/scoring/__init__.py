"""Scores of architectures and modules: settings, engines, tables, ranking."""

from __future__ import annotations

from tegnas.scoring.module import ModuleScore, score_module
from tegnas.scoring.presets import PRESETS, get_preset
from tegnas.scoring.score import score
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.scores import Scores
from tegnas.scoring.seeds import BlindNetworkWarning
from tegnas.scoring.settings import ScoreSettings

__all__ = [
    "PRESETS",
    "BlindNetworkWarning",
    "ModuleScore",
    "ScoreSettings",
    "Scorer",
    "Scores",
    "get_preset",
    "score",
    "score_module",
]
