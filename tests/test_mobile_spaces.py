"""Spaces of inverted residual blocks, from a search to a trained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tegnas
from tegnas.cli import app
from tegnas.search import SearchResult
from tegnas.spaces import get_space

EXAMPLE = Path(__file__).parents[1] / "examples" / "mobilenet_v3_space.py"

# Of how many parameters some of the architectures have less.
LIMITS = {"nas-bench-macro": 1_500_000, "mnasnet": 3_000_000}


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


@pytest.mark.parametrize("space", [*LIMITS, EXAMPLE], ids=lambda each: Path(str(each)).stem)
@pytest.mark.parametrize("images", ["digits", "npz"])
def test_small_networks_take_the_images_of_every_source(space, images, tmp_path):
    source = cifar_like(tmp_path) if images == "npz" else images
    batch = tegnas.load_batch(str(source), train=6, val=6, seed=0)
    space = get_space(f"{space}:SPACE" if space == EXAMPLE else space)
    scores = tegnas.score(
        list(space.neighbours(next(iter(space))))[:2],
        batch,
        space=space,
        repeats=1,
        region_samples=64,
        region_batch_size=64,
    )
    assert all(torch.isfinite(scores[name]).all() for name in scores)
