"""Training what a search found."""

from __future__ import annotations

from tegnas.train.check import RankingCheck, check_ranking
from tegnas.train.checkpoint import load_weights
from tegnas.train.log import EpochReport
from tegnas.train.recipe import Recipe, recipe_for
from tegnas.train.run import TrainResult, train

__all__ = [
    "EpochReport",
    "RankingCheck",
    "Recipe",
    "TrainResult",
    "check_ranking",
    "load_weights",
    "recipe_for",
    "train",
]
