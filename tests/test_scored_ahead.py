"""Chunks that are begun before the one before them is waited for, as on a GPU."""

from __future__ import annotations

import random

import pytest
import torch
from devices import every_device

from tegnas import ScoreSettings, get_space, load_batch, ops
from tegnas.scoring import Scorer
from tegnas.scoring.from_device import FromDevice
from tegnas.scoring.small_networks import SmallNetworkScorer
from tegnas.search.executors import make_executor

SPACE = get_space("nas-bench-201")
SETTINGS = ScoreSettings(repeats=2, region_samples=40, region_batch_size=20)
SEEDS = (0, 1)


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=6, val=6, size=8)


@pytest.fixture(scope="module")
def archs() -> list:
    rng = random.Random(0)
    return [SPACE.sample(rng) for _ in range(22)]


def values(parts) -> torch.Tensor:
    """(A, indicators, networks)."""
    return torch.cat([torch.stack(list(part.networks.values()), 1) for part in parts])


def small_chunks(monkeypatch, ahead: int) -> list[str]:
    """Chunks of four, and so many begun ahead; gives what is begun and waited for, in order."""
    events: list[str] = []
    numbers: dict[tuple, int] = {}
    init, begin = SmallNetworkScorer.__init__, SmallNetworkScorer.begin

    def made(self, *args):
        init(self, *args)
        self.chunk, self.ahead = 4, ahead

    def begun(self, some):
        number = numbers.setdefault(tuple(some), len(numbers))
        events.append(f"begin {number}")
        finish = begin(self, some)

        def wait():
            events.append(f"wait {number}")
            return finish()

        return wait

    monkeypatch.setattr(SmallNetworkScorer, "__init__", made)
    monkeypatch.setattr(SmallNetworkScorer, "begin", begun)
    return events


def test_the_next_chunk_is_begun_before_one_is_waited_for(archs, batch, monkeypatch):
    events = small_chunks(monkeypatch, ahead=1)
    executor = make_executor("in-process", SPACE, batch, SETTINGS, SEEDS)
    seen = []
    for part in executor.run(archs[:10]):
        seen.append(len(part))
        events.append("taken")
    assert seen == [4, 4, 2]
    assert events == [
        *("begin 0", "begin 1", "wait 0", "taken"),
        *("begin 2", "wait 1", "taken", "wait 2", "taken"),
    ]


@every_device
def test_scores_are_the_same_bits_whatever_is_begun_ahead(device, archs, batch):
    there = batch.to(torch.device(device))

    def scored(ahead: int) -> torch.Tensor:
        with pytest.MonkeyPatch.context() as patches:
            events = small_chunks(patches, ahead)
            parts = list(Scorer(SPACE, there, SETTINGS, SEEDS).in_chunks(archs))
        assert events[1] == ("begin 1" if ahead else "wait 0")
        assert [arch for part in parts for arch in part.archs] == archs
        return values(parts)

    assert torch.equal(scored(0), scored(1))


def test_what_the_chunk_before_computes_is_not_computed_again(archs, batch, monkeypatch):
    small_chunks(monkeypatch, ahead=1)
    computed = []
    engine_ntk = ops.engine_ntk

    def counted(jobs, *args, **options):
        computed.append(len(jobs.programs))
        return engine_ntk(jobs, *args, **options)

    monkeypatch.setattr(ops, "engine_ntk", counted)
    connected = [arch for arch in archs if SPACE.is_connected(arch)][:4]
    twice = list(Scorer(SPACE, batch, SETTINGS, SEEDS).in_chunks(connected + connected))
    assert computed == [len({SPACE.live(arch) for arch in connected}) * len(SEEDS)]
    assert torch.equal(values(twice[:1]), values(twice[1:]))


@every_device
def test_what_is_on_its_way_from_a_device_is_read_as_it_was(device):
    numbers = torch.arange(6.0, device=device).square()
    coming = FromDevice(numbers)
    numbers = numbers + 1
    for _ in range(2):
        read = coming.read()
        assert read.device.type == "cpu" and not read.is_pinned()
        assert read.tolist() == [0, 1, 4, 9, 16, 25]
