"""Executors: the same scores everywhere, and workers that die."""

from __future__ import annotations

import multiprocessing
import os
import random
from contextlib import closing

import pytest
import torch
from fragile_space import write_fragile_space
from paper import paper_settings

from tegnas.data import load_batch
from tegnas.errors import InputError
from tegnas.search import search
from tegnas.search.executors import WorkerDiedError, make_executor
from tegnas.search.executors.worker import _serve
from tegnas.spaces import ChoiceSpace, get_space

SETTINGS = paper_settings(repeats=1, region_samples=64, region_batch_size=64)
SEEDS = (0,)


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=8, val=8, seed=0)


@pytest.fixture(scope="module")
def archs():
    space, rng = get_space("nas-bench-201"), random.Random(0)
    return [space.sample(rng) for _ in range(6)]


def run(executor, archs) -> dict[str, torch.Tensor]:
    found = {}
    with closing(executor):
        for scores in executor.run(archs):
            for index, arch in enumerate(scores.archs):
                found[str(arch)] = torch.stack([scores[n][index] for n in scores.settings.names])
    return found


def expected(archs, batch) -> dict[str, torch.Tensor]:
    space = get_space("nas-bench-201")
    return run(make_executor("in-process", space, batch, SETTINGS, SEEDS), archs)


def assert_same(found, wanted) -> None:
    assert found.keys() == wanted.keys()
    for arch, values in wanted.items():
        # Which architectures share a batch changes the last bits.
        torch.testing.assert_close(found[arch], values, rtol=1e-11, atol=0)


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_scores_of_this_process(workers, archs, batch):
    executor = make_executor(
        "process", get_space("nas-bench-201"), batch, SETTINGS, SEEDS, workers=workers
    )
    assert_same(run(executor, archs), expected(archs, batch))


def test_a_killed_process_loses_only_its_batch(archs, batch, tmp_path):
    space = get_space(write_fragile_space(tmp_path, os.getpid(), times=2))
    executor = make_executor("process", space, batch, SETTINGS, SEEDS, workers=2)
    assert_same(run(executor, archs), expected(archs, batch))
    assert len(list((tmp_path / "deaths").iterdir())) == 2


def test_a_batch_that_kills_every_process_ends_in_one_sentence(archs, batch, tmp_path):
    space = get_space(write_fragile_space(tmp_path, os.getpid(), times=99))
    executor = make_executor("process", space, batch, SETTINGS, SEEDS, workers=1)
    with pytest.raises(WorkerDiedError, match="died 3 times while scoring the same 2"):
        run(executor, archs[:2])


def test_a_search_is_the_same_wherever_it_is_scored(batch):
    results = [
        search(
            get_space("nas-bench-201"), batch, "random", 12, settings=SETTINGS, executor=name,
            workers=workers,
        )
        for name, workers in (("in-process", None), ("process", 2))
    ]  # fmt: skip
    assert results[0].history == results[1].history


@pytest.fixture
def ray_cluster():
    ray = pytest.importorskip("ray", reason="Ray isn't installed: pip install 'tegnas[ray]'")
    yield ray
    ray.shutdown()


@pytest.mark.slow
def test_a_killed_ray_worker_loses_only_its_batch(archs, batch, tmp_path, ray_cluster):
    space = get_space(write_fragile_space(tmp_path, os.getpid(), times=1))
    executor = make_executor("ray", space, batch, SETTINGS, SEEDS, workers=2)
    assert_same(run(executor, archs), expected(archs, batch))
    assert len(list((tmp_path / "deaths").iterdir())) == 1
    assert not ray_cluster.is_initialized()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
        ("ray://127.0.0.1:1", "no Ray cluster answers"),
        ("nowhere", "HOST:PORT"),
    ],
)
def test_an_unreachable_ray_address_is_named_at_once(address, message, batch, ray_cluster):
    with pytest.raises(InputError, match=message):
        make_executor("ray", get_space("nas-bench-201"), batch, SETTINGS, SEEDS, address=address)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("threads", {}, "unknown executor 'threads'"),
        ("process", {"workers": 0}, "at least 1 worker"),
        ("in-process", {"workers": 2}, "for the executors process and ray"),
        ("process", {"address": "auto"}, "for the executor ray"),
    ],
)
def test_wrong_settings_are_one_sentence(name, options, message, batch):
    with pytest.raises(InputError, match=message):
        make_executor(name, get_space("nas-bench-201"), batch, SETTINGS, SEEDS, **options)


def test_a_space_that_cannot_travel_is_named(batch):
    space = ChoiceSpace("local", {"width": (1, 2)}, lambda choices, num_classes: None)
    with pytest.raises(
        InputError, match="'local' or an indicator can't be sent to other processes"
    ):
        make_executor("process", space, batch, SETTINGS, SEEDS)


def test_a_process_that_nobody_listens_to_ends_without_a_word(capfd):
    here, there = multiprocessing.Pipe()
    here.close()  # as if the one that started it had been killed meanwhile
    child = os.fork()
    if child == 0:
        try:
            _serve(there)
        finally:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert capfd.readouterr() == ("", "")
