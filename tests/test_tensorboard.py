"""A search's course in TensorBoard."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from paper import evaluated

pytest.importorskip("tensorboard", reason="needs the extra tensorboard")

from tegnas.analysis.tensorboard import TensorBoardLog  # noqa: E402


def test_every_evaluation_and_the_best_are_logged(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    values = [100.0, math.inf, 10.0, 1000.0]
    evaluations = [evaluated(str(i), value, 5.0, value) for i, value in enumerate(values)]
    with TensorBoardLog(tmp_path) as log:
        log(evaluations[:1])
        log(evaluations[1:])
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    every = events.Scalars("T/log10 ntk_condition (all)")
    assert [(each.step, each.value) for each in every] == [(1, 2.0), (3, 1.0), (4, 3.0)]
    best = events.Scalars("T/log10 ntk_condition (best)")
    assert [(each.step, each.value) for each in best] == [(1, 2.0), (4, 1.0)]
