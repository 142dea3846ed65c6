"""Trainability, expressivity and generalization at initialisation."""

from __future__ import annotations

from tegnas.indicators.messages import AutogradLayersWarning, EngineWarning
from tegnas.indicators.module import ModuleScore, score_module
from tegnas.indicators.ntk import KernelDetails, ntk
from tegnas.indicators.presets import PRESETS, Preset, default_settings, get_preset
from tegnas.indicators.regions import NoReLUError, count_regions, region_inputs
from tegnas.indicators.score import score
from tegnas.indicators.scorer import Scorer
from tegnas.indicators.scores import Scores
from tegnas.indicators.settings import ScoreSettings

__all__ = [
    "AutogradLayersWarning",
    "EngineWarning",
    "KernelDetails",
    "ModuleScore",
    "NoReLUError",
    "PRESETS",
    "Preset",
    "ScoreSettings",
    "Scorer",
    "Scores",
    "count_regions",
    "default_settings",
    "get_preset",
    "ntk",
    "region_inputs",
    "score",
    "score_module",
]
