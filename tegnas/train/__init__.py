"""Training what a search found."""

from __future__ import annotations

from tegnas.train.augment import augment
from tegnas.train.check import RankingCheck, check_ranking
from tegnas.train.checkpoint import load_weights
from tegnas.train.parts import (
    begin_epoch,
    clip_gradients,
    logits_and_loss,
    make_optimizer,
    make_scheduler,
)
from tegnas.train.recipe import Recipe, recipe_for
from tegnas.train.run import EpochReport, TrainResult, train

__all__ = [
    "EpochReport",
    "RankingCheck",
    "Recipe",
    "TrainResult",
    "augment",
    "begin_epoch",
    "check_ranking",
    "clip_gradients",
    "load_weights",
    "logits_and_loss",
    "make_optimizer",
    "make_scheduler",
    "recipe_for",
    "train",
]
