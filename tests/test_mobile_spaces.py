"""Spaces of inverted residual blocks, from a search to a trained network."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tegnas
from tegnas import ops
from tegnas.cli import app
from tegnas.engine.lowering import lower_module
from tegnas.engine.program import ParameterLayout
from tegnas.ops import EngineJobs
from tegnas.scoring.jobs import JobMaker
from tegnas.search import SearchResult
from tegnas.spaces import Space, get_space

EXAMPLE = Path(__file__).parents[1] / "examples" / "mobilenet_v3_space.py"

# Of how many parameters some of the architectures have less.
LIMITS = {"nas-bench-macro": 1_500_000, "mnasnet": 3_000_000}

PROGRAMS = [
    ("nas-bench-macro", "00000000"),
    ("nas-bench-macro", "10210021"),
    ("nas-bench-macro", "01020102"),
    ("mnasnet", "e1k3l1s0-e4k5l2s1-e1k5l1s1-e6k3l1s0-e1k3l2s0-e4k3l1s1-e1k5l1s0"),
    ("mnasnet", "e4k3l1s1-e1k3l1s0-e4k5l1s0-e1k5l1s0-e6k3l1s1-e1k3l4s0-e6k3l1s1"),
    ("mobilenet", "w12d1k3e3-w32d2k5e6-w64d3k3e3-w96d1k5e6"),
]


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def cifar_like(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    np.savez(folder / "images.npz", images=images, labels=np.arange(40) % 4)
    return folder / "images.npz"


@pytest.mark.parametrize("name", LIMITS)
def test_a_search_ends_in_a_report_a_file_and_a_trained_network(name, tmp_path):
    run = tmp_path / "run"
    call(
        "search", "--space", name, "--images", "noise", "--train", 6, "--repeats", 1,
        "--strategy", "random", "--budget", 3, "--max-params", LIMITS[name], "--out", run,
    )  # fmt: skip
    found = SearchResult.load(run / "result.json")
    space = get_space(name)
    assert len(found.history) == 3
    assert all(space.parameters(each.arch, 10) <= LIMITS[name] for each in found.history)
    call("report", run, "--out", tmp_path / "report.html")
    assert str(found.best.arch) in (tmp_path / "report.html").read_text()
    call("export", run, "--channels", 2, "--out", tmp_path / "network.py")
    assert "class Network" in (tmp_path / "network.py").read_text()
    call(
        "train", run, "--images", "digits", "--image-size", 8, "--channels", 2, "--epochs", 1,
        "--batch-size", 600, "--out", tmp_path / "trained",
    )  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("images", ["digits", "npz"])
def test_small_networks_take_the_images_of_every_source(name, images, tmp_path):
    source = cifar_like(tmp_path) if images == "npz" else images
    assert_scored(
        get_space(name), tegnas.load_batch(str(source), train=6, val=6, seed=0), repeats=10
    )


@pytest.mark.filterwarnings("ignore::tegnas.regions.RegionsWarning")
def test_a_space_of_ones_own_is_made_of_the_same_blocks():
    space = get_space(f"{EXAMPLE}:SPACE")
    batch = tegnas.load_batch("digits", train=6, val=6, seed=0)
    assert_scored(space, batch, image_size=None)
    network = space.network(next(iter(space)), "full", num_classes=7).eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


def assert_scored(space: Space, batch: tegnas.Batch, **changes: object) -> None:
    scores = tegnas.score(
        list(islice(space.neighbours(next(iter(space))), 2)),
        batch,
        space=space,
        **{"repeats": 1, "region_samples": 64, "region_batch_size": 64, **changes},
    )
    assert all(torch.isfinite(scores[name]).all() for name in scores.settings.names)


def of_cells(name: str) -> bool:
    return name.startswith("stage")


@pytest.mark.parametrize("kind", ["proxy", "thin", "deep", "deep-thin", "full"])
@pytest.mark.parametrize(("name", "text"), PROGRAMS)
def test_programs_are_those_of_the_traced_network(name, text, kind):
    space = get_space(name)
    arch = space.parse(text)
    network = space.network(arch, kind, num_classes=7)
    shape = getattr(network, "region_input_shape", (3, 16, 16))
    layout = ParameterLayout()
    program = space.program(arch, kind, num_classes=7, image_shape=shape, layout=layout)
    expected = {each: tuple(value.shape) for each, value in network.named_parameters()}
    assert {each: size for each, size, _ in layout.entries()} == expected
    traced = lower_module(network, shape, of_cells).program
    assert len(program.instructions) == len(traced.instructions)
    for ours, theirs in zip(program.instructions, traced.instructions, strict=True):
        assert without_places(ours) == without_places(theirs)


def without_places(instruction: tuple[int, ...]) -> tuple[int, ...]:
    """Parameters lie in the order in which they are asked for, or in that of the module."""
    opcode, *operands = instruction
    places = {1: (10, 11), 2: (2, 3), 12: (2, 3)}.get(opcode, ())
    return (opcode, *(each for index, each in enumerate(operands) if index not in places))


@pytest.mark.parametrize(("name", "text"), PROGRAMS[1::2])
def test_kernels_of_programs_are_those_of_the_traced_network(name, text):
    space, shape = get_space(name), (3, 16, 16)
    arch = space.parse(text)
    images = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    maker = JobMaker(space, "deep", num_classes=5, image_shape=shape, seeds=[3])
    network = space.network(arch, "deep", num_classes=5, seed=3)
    lowered = lower_module(network, shape, of_cells)
    traced = EngineJobs(
        [lowered.program.encode(len(lowered.parameters))],
        torch.tensor([0]),
        lowered.parameters,
        torch.tensor([0]),
    )
    written = ops.engine_ntk(maker.make([arch]), images, None, batch_norm="frozen")
    expected = ops.engine_ntk(traced, images, None, batch_norm="frozen")
    for ours, theirs in zip(written[:2], expected[:2], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6 * float(theirs.abs().max()))
