"""Refining a search by a few trainings: which candidates are trained, and which one is best.

The package can be called: ``tegnas.refine(run, trainings=10)`` is ``tegnas.refine.refine``.
"""

from __future__ import annotations

from tegnas.callable_package import make_callable
from tegnas.refine.driver import DEFAULT_NEIGHBOURS, RefineProgress, refine
from tegnas.refine.lookup import TableTrainer
from tegnas.refine.result import RefineResult
from tegnas.refine.short import ShortTrainer
from tegnas.refine.training import Trainer, Training

__all__ = [
    "DEFAULT_NEIGHBOURS",
    "RefineProgress",
    "RefineResult",
    "ShortTrainer",
    "TableTrainer",
    "Trainer",
    "Training",
    "refine",
]

make_callable(__name__, refine)
