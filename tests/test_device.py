"""Where scores are computed: what can be said without a GPU, by tensors without contents."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from networks import cnn
from paper import KAPPA, paper_settings
from torch._subclasses.fake_tensor import FakeTensorMode

import tegnas
from tegnas import InputError, get_space, load_batch, ops
from tegnas.data import Batch
from tegnas.networks.initialise import initial_value
from tegnas.scoring import Scorer
from tegnas.search.executors import check_executor

SPACE = get_space("nas-bench-201")
ARCHS = [SPACE.parse("|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|skip_connect~0|none~1|none~2|")] * 2
SMALL = {"repeats": 2, "region_samples": 60, "region_batch_size": 40}


@pytest.fixture(scope="module")
def batch() -> Batch:
    return load_batch("digits", train=6, val=5, size=8)


@pytest.fixture
def with_gpus(monkeypatch):
    """As if there were two GPUs and kernels for them."""
    monkeypatch.setattr("tegnas.ops._device.build_info", lambda: {"cuda": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:x", ""])
def test_an_unknown_device_is_named(name):
    with pytest.raises(InputError, match=f"unknown device '{name}'; choose cpu, cuda or cuda:N"):
        ops.compute_device(name)


def test_a_build_without_cuda_says_how_to_get_one(monkeypatch, batch):
    monkeypatch.setattr("tegnas.ops._device.build_info", lambda: {"cuda": False})
    with pytest.raises(InputError, match="no CUDA kernels for the device cuda; choose the device"):
        tegnas.score(ARCHS, batch, space=SPACE, device="cuda")


def test_a_missing_gpu_is_named(monkeypatch):
    monkeypatch.setattr("tegnas.ops._device.build_info", lambda: {"cuda": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="torch sees no GPU here for the device cuda:1"):
        ops.compute_device("cuda:1")


def test_a_gpu_that_is_not_there_is_named(with_gpus):
    assert ops.compute_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InputError, match="there is no cuda:2: torch sees 2 here, cuda:0 to cuda:1"):
        ops.compute_device("cuda:2")


def test_a_search_on_a_missing_device_writes_nothing(batch, tmp_path):
    with pytest.raises(InputError, match="device"):
        tegnas.search(SPACE, batch, "random", 2, out=tmp_path / "run", device="cuda:99")
    assert not list(tmp_path.iterdir())


def test_the_directory_of_a_run_lists_its_devices(batch, tmp_path):
    settings = paper_settings(**SMALL)

    def run(budget: int) -> tegnas.SearchResult:
        return tegnas.search(SPACE, batch, "random", budget, out=tmp_path, settings=settings)

    run(2)
    path = tmp_path / "run.json"
    content = json.loads(path.read_text())
    assert content["devices"] == ["cpu"]
    path.write_text(json.dumps({**content, "devices": ["NVIDIA A100"]}))
    # Another device is no other configuration: the run goes on.
    assert run(3).settings["devices"] == ["NVIDIA A100", "cpu"]
    assert json.loads(path.read_text())["devices"] == ["NVIDIA A100", "cpu"]


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_the_device_is_given_by_the_batch(engine, batch_norm, batch):
    """The same scores by ``device`` and by the batch; the key of the store doesn't change."""
    settings = paper_settings(engine=engine, batch_norm=batch_norm, **SMALL)
    plain = tegnas.score(ARCHS, batch, space=SPACE, settings=settings)
    there = tegnas.score(ARCHS, batch, space=SPACE, settings=settings, device="cpu")
    assert torch.equal(plain.networks[KAPPA], there.networks[KAPPA])


def fake_cuda(batch: Batch) -> Batch:
    names = ("images", "labels", "val_images", "val_labels")
    moved = {name: torch.empty_like(getattr(batch, name), device="cuda") for name in names}
    made = object.__new__(Batch)  # its checks look at contents
    for name, value in {**vars(batch), **moved}.items():
        object.__setattr__(made, name, value)
    return made


@pytest.fixture
def no_cached_weights():
    """Weights drawn in fake mode have no contents and must not be kept."""
    initial_value.cache_clear()
    yield
    initial_value.cache_clear()


def test_everything_that_the_engine_reads_goes_to_the_device(batch, monkeypatch, no_cached_weights):
    """Tensors of torch's fake mode have a device and no contents; mixing devices is an error."""
    seen: dict[str, set[str]] = {}

    def watch(name: str) -> None:
        call = getattr(ops, name)

        def record(*args, **options):
            tensors = [each for each in args if isinstance(each, torch.Tensor)]
            tensors += [each.params for each in args if isinstance(each, ops.EngineJobs)]
            seen.setdefault(name, set()).update(each.device.type for each in tensors)
            return call(*args, **options)

        monkeypatch.setattr(ops, name, record)

    operators = ("engine_ntk", "engine_regions", "eig_condition", "kernel_regression_error")
    for name in operators:
        watch(name)
    with FakeTensorMode(allow_non_fake_inputs=True):
        table = Scorer(SPACE, fake_cuda(batch), paper_settings(**SMALL), range(2))(ARCHS)
    for values in table.networks.values():
        assert values.device.type == "cpu"
        assert values.shape == (2, 2)
    assert seen == {name: {"cuda"} for name in operators}


@pytest.mark.parametrize("name", ["process", "ray"])
def test_other_processes_compute_on_cpus(name, batch):
    with FakeTensorMode(allow_non_fake_inputs=True):
        there = fake_cuda(batch)
    with pytest.raises(InputError, match=f"the executor {name} computes on CPUs; use it with the"):
        check_executor(name, there, None, None)


def test_images_without_values_are_refused():
    with pytest.raises(InputError, match="images are on the meta device and have no values"):
        tegnas.ntk(cnn(), torch.empty(4, 3, 8, 8, device="meta"))


def test_a_module_on_a_device_without_kernels_is_refused(batch):
    with pytest.raises(InputError, match="unknown device 'meta'"):
        tegnas.score_module(cnn().to("meta"), batch)


def test_the_contents_of_a_batch_are_the_same_on_every_device(batch):
    assert replace(batch, source="elsewhere").to("cpu").fingerprint() == batch.fingerprint()
