"""Memory and disk planned before work starts: one sentence where there isn't enough."""

from __future__ import annotations

from collections import namedtuple

import pytest
import torch
from paper import paper_settings
from torch import nn

from tegnas import InputError, get_space, load_batch, ntk, score, score_module, search
from tegnas.memory import machine_memory
from tegnas.scoring.module_costs import kernel_costs
from tegnas.search.executors import make_executor

SPACE = get_space("nas-bench-201")
SETTINGS = paper_settings(repeats=2, region_samples=60, region_batch_size=30)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=8, val=6, size=8)


@pytest.fixture
def memory(monkeypatch):
    """Sets how many bytes the machine has."""
    return lambda size: monkeypatch.setattr("tegnas.memory.machine_memory", lambda: size)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 3)
    )


def test_a_container_has_what_it_was_given(monkeypatch, tmp_path):
    files = [tmp_path / name for name in ("absent", "unlimited", "limited")]
    files[1].write_text("max\n")
    files[2].write_text("1000\n")
    monkeypatch.setattr("tegnas.memory._CONTAINER", tuple(files[:2]))
    whole = machine_memory()
    monkeypatch.setattr("tegnas.memory._CONTAINER", tuple(files))
    assert whole > 1000 and machine_memory() == 1000


def test_what_layers_read_and_their_gradients_are_held(batch):
    each = 4 * (192 + 256) + 4 * (256 + 256) + 4 * (256 + 3)  # convolution, BatchNorm, linear
    costs = kernel_costs(network(), [batch.images, batch.val_images], "frozen")
    assert costs.bytes == 14 * each and costs.seconds > 0
    shared = nn.Linear(3, 2)
    twice = type("Twice", (nn.Module,), {"forward": lambda self, x: self.a(x) + self.b(x)})()
    twice.a, twice.b = shared, nn.Linear(3, 2)
    assert kernel_costs(twice, [torch.zeros(2, 3)], "frozen").bytes == 2 * 4 * (3 + 2 + 2)


def test_a_module_that_needs_more_than_there_is_is_refused(batch, memory):
    memory(1000)
    sentence = "the kernel of Sequential on 8 images of 3×8×8 needs at least .* give fewer images"
    with pytest.raises(InputError, match=sentence):
        score_module(network(), batch, indicators=("variance_inflation",))


def test_rows_that_need_more_than_there_is_are_refused(batch, memory):
    memory(4 * 8 * 700)  # of 108 + 4 + 768 numbers an image
    with pytest.raises(InputError, match="the Jacobian of 8 images.* needs at least 27.5 KiB"):
        ntk(network(), batch.images, batch_norm="coupled", engine="torch")
    memory(4 * 8 * 880)
    ntk(network(), batch.images, batch_norm="coupled", engine="torch")


def test_kernels_of_large_batches_are_computed_a_few_at_a_time(batch, memory, monkeypatch):
    archs = list(SPACE)[5000:5005]
    whole = score(archs, batch, space=SPACE, settings=SETTINGS)
    done: list[int] = []
    monkeypatch.setattr("tegnas.scoring.native_scorer._CALL_BYTES", 1)
    few = score(archs, batch, space=SPACE, settings=SETTINGS, progress=done.append)
    assert done == [1, 2, 3, 4, 5]
    for name in SETTINGS.names:
        torch.testing.assert_close(few[name], whole[name], rtol=1e-11, atol=0)
    memory(1000)
    with pytest.raises(InputError, match="the kernels of 2 networks of one architecture on 8"):
        score(archs, batch, space=SPACE, settings=SETTINGS)


def test_a_search_whose_scores_have_no_room_is_refused(batch, memory, monkeypatch, tmp_path):
    asked = {"settings": SETTINGS, "out": tmp_path / "runs" / "a"}
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(0, 0, 1000))
    with pytest.raises(InputError, match="the scores of 1,000 architectures need .* another --out"):
        search(SPACE, batch, "random", 1000, **asked)
    assert not (tmp_path / "runs").exists()
    memory(1000)
    with pytest.raises(InputError, match="a search of 15,625 architectures needs at least 6.0 MiB"):
        search(SPACE, batch, "random", 10**9, settings=SETTINGS)


def test_processes_that_have_no_room_are_refused(batch, memory):
    memory(2**30)
    with pytest.raises(InputError, match="the work of 64 processes needs at least 8.0 GiB"):
        make_executor("process", SPACE, batch, SETTINGS, (0, 1), workers=64)
