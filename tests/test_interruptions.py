"""Search, train and compare, stopped by KILL, TERM and INT again and again, end as if they weren't.

A part of every kind: what was tried by hand is 273 interruptions.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
import torch
from interrupted import Command, children, is_alive, lines, read, stored

pytestmark = pytest.mark.slow

KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
# PyTorch modules, because the native engine would be done before the signals arrive.
SCORING = ("--images", "noise", "--train", "8", "--val", "8", "--repeats", "1", "--engine", "torch")
SEARCH = (
    *("search", *SCORING, "--budget", "60", "--seed", "3", "--out", "run", "--json"),
    *("--option", "population=10", "--option", "tournament=3"),
)
COMPARE = (
    *("compare", *SCORING, "--strategies", "random,evolution:population=5:tournament=2"),
    *("--seeds", "0-1", "--budget", "12", "--out", "run", "--json"),
)
TRAIN = (
    *("train", "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"),
    *("--channels", "4", "--cells", "1", "--image-size", "8", "--epochs", "5"),
    *("--batch-size", "64", "--out", "run", "--json"),
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> object:
    """The result of a search that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    Command(SEARCH, folder).finish()
    return read(folder / "run" / "result.json")


def test_a_search_is_stopped_by_every_signal(searched, tmp_path):
    store = tmp_path / "run" / "scores.sqlite"
    for count, number in ((6, KILL), (20, TERM), (34, INT)):
        Command(SEARCH, tmp_path).stop(number, lambda count=count: stored(store) >= count)
    assert not (tmp_path / "run" / "result.json").exists()
    Command(SEARCH, tmp_path).finish()
    assert read(tmp_path / "run" / "result.json") == searched


def test_workers_end_with_a_search_that_is_stopped(searched, tmp_path):
    store = tmp_path / "run" / "scores.sqlite"
    words = (*SEARCH, "--executor", "process", "--workers", "2")
    for count, number in ((1, KILL), (25, INT)):
        command = Command(words, tmp_path)
        workers: set[int] = set()

        def computing(seen: set[int] = workers, count: int = count, pid: int = command.pid) -> bool:
            seen.update(children(pid))
            return stored(store) >= count

        command.stop(number, computing)
        assert len(workers) >= 2
        deadline = time.monotonic() + 5
        while any(map(is_alive, workers)):
            assert time.monotonic() < deadline, "workers outlive the search"
            time.sleep(0.05)
    Command(words, tmp_path).finish()
    assert read(tmp_path / "run" / "result.json") == searched


def test_a_search_on_ray_is_stopped_by_every_signal(searched, tmp_path):
    pytest.importorskip("ray", reason="the extra tegnas[ray] isn't installed")
    store = tmp_path / "run" / "scores.sqlite"
    words = (*SEARCH, "--executor", "ray", "--workers", "2")
    for count, number in ((1, KILL), (20, TERM), (34, INT), (44, KILL)):
        command = Command(words, tmp_path)
        command.stop(number, lambda count=count: stored(store) >= count, handled=number != KILL)
    Command(words, tmp_path).finish()
    assert read(tmp_path / "run" / "result.json") == searched


def test_a_comparison_is_stopped_by_every_signal(tmp_path):
    Command(COMPARE, tmp_path / "whole").finish()
    folder = tmp_path / "stopped"
    store = folder / "run" / "scores.sqlite"
    for count, number in ((5, INT), (15, KILL), (24, TERM)):
        Command(COMPARE, folder).stop(number, lambda count=count: stored(store) >= count)
    Command(COMPARE, folder).finish()
    for name in ("comparison.json", "evolution-population-5-tournament-2-seed1/result.json"):
        assert read(folder / "run" / name) == read(tmp_path / "whole" / "run" / name)


def test_a_training_is_stopped_by_every_signal(tmp_path):
    Command(TRAIN, tmp_path / "whole").finish()
    folder = tmp_path / "stopped"
    for count, number in ((1, TERM), (2, KILL), (3, INT)):
        log = folder / "run" / "log.jsonl"
        Command(TRAIN, folder).stop(number, lambda log=log, count=count: lines(log) >= count)
    Command(TRAIN, folder).finish()
    whole, stopped = (weights(each / "run") for each in (tmp_path / "whole", folder))
    assert whole.keys() == stopped.keys()
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


def weights(run: Path) -> dict[str, torch.Tensor]:
    """What a training ended with."""
    return torch.load(run / "weights.pt", weights_only=True)
