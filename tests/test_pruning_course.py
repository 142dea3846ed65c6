"""What was pruned when, as read from the history of a search."""

from __future__ import annotations

import random

import numpy as np
import pytest
from strategy_runs import run

from tegnas.analysis.pruning import pruning
from tegnas.spaces import get_space

NB201 = get_space("nas-bench-201")


@pytest.mark.parametrize("name", ["nas-bench-201", "transnas-micro", "darts"])
def test_an_architecture_is_the_single_path_of_its_supernet(name: str) -> None:
    space = get_space(name)
    rng = random.Random(0)
    for arch in (space.sample(rng) for _ in range(20)):
        assert space.single_path(space.path_of(arch)) == arch
    assert len(set(space.supernet_edges)) == len(space.supernet().operations)


@pytest.mark.parametrize("change, budget", [("mean", 55), ("relative", 58)])
def test_every_round_takes_one_operation_of_every_edge(change: str, budget: int) -> None:
    history = run("prune", NB201, budget, change=change)
    course = pruning(NB201, history)
    assert course.count == 3 and course.edges[0] == "0→1"
    assert np.sort(course.rounds, axis=1).tolist() == [[0, 1, 2, 3]] * 6
    stayed = [course.operations[column] for column in course.rounds.argmin(1)]
    assert stayed == list(history[-1].arch.operations)


def test_what_a_stopped_search_has_left_is_still_there() -> None:
    course = pruning(NB201, run("prune", NB201, 55)[:30])
    assert course.count == 2
    assert np.sort(course.rounds, axis=1).tolist() == [[0, 0, 0, 1]] * 6


def test_edges_of_darts_go_whole() -> None:
    darts = get_space("darts")
    budget = len(run("prune", darts, 400))
    course = pruning(darts, run("prune", darts, budget))
    assert (course.rounds == 0).sum() == 16 and (course.rounds > 0).all(1).sum() == 12


def test_other_searches_have_no_course() -> None:
    assert pruning(NB201, run("random", NB201, 5)) is None
