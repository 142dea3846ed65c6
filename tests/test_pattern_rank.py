"""The effective rank of the images' activation patterns, and its way through scoring."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
import torch
from torch import nn
from traced_space import Traced
from typer.testing import CliRunner

import tegnas
from tegnas import InputError, get_indicator, get_space, load_batch
from tegnas.cli import app
from tegnas.indicators.pattern_rank import pattern_rank
from tegnas.indicators.sources import Distances
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.reference.regions import signs
from tegnas.regions import NoRegionsError, RegionsWarning
from tegnas.scoring import native_scorer
from tegnas.scoring.jobs import JobMaker
from tegnas.spaces import ChoiceSpace

SPACE = get_space("nas-bench-201")
UNCONNECTED = SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
PR = {"indicators": ["pattern_rank"], "repeats": 2}


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=10, val=4, seed=0, size=8)


def samples(space, count: int) -> list:
    connected = (space.sample(random.Random(seed)) for seed in range(100))
    return [arch for arch in connected if space.is_connected(arch)][:count]


def distances_of(bits: torch.Tensor) -> torch.Tensor:
    return (bits[:, None] != bits[None, :]).sum(2).double()


# The number


def test_images_apart_in_every_direction_span_all():
    apart = 3 * (1 - torch.eye(7, dtype=torch.float64))
    assert pattern_rank(apart).item() == pytest.approx(6)


def test_two_groups_span_one_direction():
    bits = torch.tensor([0, 0, 1, 1, 1])[:, None].expand(-1, 9)
    assert pattern_rank(distances_of(bits)).item() == pytest.approx(1)


def test_equal_patterns_have_no_rank():
    assert pattern_rank(torch.zeros(4, 4).double()).isnan()


def test_it_is_that_of_the_patterns_less_their_mean():
    generator = torch.Generator().manual_seed(0)
    bits = torch.rand(3, 8, 40, generator=generator) < torch.linspace(0, 1, 40)
    centred = bits.double() - bits.double().mean(1, keepdim=True)
    parts = torch.linalg.svdvals(centred).square()
    parts = parts / parts.sum(1, keepdim=True)
    expected = torch.special.entr(parts).sum(1).exp()
    found = pattern_rank(torch.stack([distances_of(each) for each in bits]))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


# Scoring


def test_images_are_told_apart_by_what_enters_the_relus(batch):
    (arch,) = samples(SPACE, 1)
    network = SPACE.network(arch, "deep", seed=0)
    inputs = entering(network, nn.ReLU, batch.images)
    scores = tegnas.score([arch], batch, space=SPACE, **PR)
    expected = pattern_rank(distances_of(signs(inputs)))
    assert scores.networks["pattern_rank"][0, 0].item() == pytest.approx(expected.item(), rel=1e-12)


def test_of_vision_transformers_it_is_by_what_enters_gelu(batch):
    space = get_space("autoformer")
    (arch,) = samples(space, 1)
    network = space.network(arch, "deep", seed=0)
    inputs = entering(network, nn.GELU, batch.images)
    scores = tegnas.score([arch], batch, space=space, **PR)
    expected = pattern_rank(distances_of(signs(inputs)))
    assert scores.networks["pattern_rank"][0, 0].item() == pytest.approx(expected.item(), rel=1e-12)


def entering(network: nn.Module, kind: type[nn.Module], images: torch.Tensor) -> list:
    """What layers of a kind read, each value once."""
    found: list[torch.Tensor] = []

    def note(layer: nn.Module, args: tuple) -> None:
        if not any(torch.equal(args[0], each) for each in found):
            found.append(args[0].clone())

    for layer in network.modules():
        if isinstance(layer, kind):
            layer.register_forward_pre_hook(note)
    with torch.no_grad(), batch_statistics(network, "frozen"):
        network(images.clone())
    assert found
    return found


# Some nodes are one value; at a side of 4 the last maps are one pixel.
CELLS = (
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|skip_connect~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|avg_pool_3x3~0|none~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|",
)


@pytest.mark.parametrize(
    ("name", "side"), [("nas-bench-201", 8), ("nas-bench-201", 4), ("traced", 4), ("mnasnet", 8)]
)
def test_both_engines_see_the_same_distances(batch, name, side):
    space = Traced(SPACE) if name == "traced" else get_space(name)
    weights = torch.randint(1000, (10, 10), generator=torch.Generator().manual_seed(0)).double()
    every = replace(
        get_indicator("pattern_rank"),
        name="every_distance",
        source=Distances(),
        compute=lambda distances: (distances * weights).sum((1, 2)),  # of whole numbers, exact
    )
    archs = samples(space, 1) if name == "mnasnet" else CELLS
    options = {"indicators": [every], "repeats": 1, "image_size": side}
    native, modules = (
        tegnas.score(archs, batch, space=space, engine=engine, **options)
        for engine in ("native", "torch")
    )
    assert native["every_distance"].min() > 0
    assert torch.equal(native.networks["every_distance"], modules.networks["every_distance"])


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_dead_ends_change_nothing(batch, engine):
    dead = "|nor_conv_3x3~0|+|{}~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
    archs = [dead.format(name) for name in ("none", "nor_conv_3x3")]
    scores = tegnas.score(archs, batch, space=SPACE, engine=engine, **PR)
    assert torch.equal(*scores.networks["pattern_rank"])


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_without_a_path_it_is_the_worst_uncomputed(batch, monkeypatch, engine):
    def refuse(*_, **__):
        raise AssertionError("computed")

    monkeypatch.setattr(native_scorer.ops, "engine_pattern_distances", refuse)
    monkeypatch.setattr(tegnas.scoring.torch_scorer, "pattern_distances", refuse)
    scores = tegnas.score([UNCONNECTED], batch, space=SPACE, engine=engine, **PR)
    assert scores.networks["pattern_rank"].tolist() == [[-torch.inf, -torch.inf]]


def test_small_networks_see_the_images_shrunk(batch):
    archs = samples(SPACE, 1)
    shrunk = tegnas.score(archs, batch, space=SPACE, image_size=4, **PR)
    own = tegnas.score(archs, batch.shrunk(4), space=SPACE, **PR)
    assert torch.equal(shrunk.networks["pattern_rank"], own.networks["pattern_rank"])


def test_a_race_ends_with_full_scores_of_the_best(batch):
    archs = samples(SPACE, 6)
    full = tegnas.score(archs, batch, space=SPACE, indicators=["pattern_rank"], repeats=3)
    raced = tegnas.score(archs, batch, space=SPACE, indicators=["pattern_rank"], repeats=3, best=1)
    assert raced.computed.min() < 3
    (row,) = [archs.index(arch) for arch in raced.best(1)]
    assert torch.equal(raced.networks["pattern_rank"][row], full.networks["pattern_rank"][row])


def test_networks_are_traced_once_for_kernels_and_distances(batch, monkeypatch):
    made, make = [], JobMaker.make

    def counting(self, archs):
        made.append(archs)
        return make(self, archs)

    monkeypatch.setattr(JobMaker, "make", counting)
    settings = tegnas.ScoreSettings(indicators=["kernel_rank", "pattern_rank"], repeats=2)
    native_scorer.NativeScorer(Traced(SPACE), batch, settings, [0, 1])(samples(SPACE, 2))
    assert len(made) == 1


def test_more_images_than_the_memory_takes_are_refused(batch, monkeypatch):
    monkeypatch.setattr("tegnas.memory.machine_memory", lambda: 1000)
    sentence = "the pattern distances of 2 networks of one architecture on 10 images need"
    with pytest.raises(InputError, match=sentence):
        tegnas.score(samples(SPACE, 1), batch, space=SPACE, **PR)


# Networks without any, or with one


def smooth() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Tanh(), nn.Linear(8, 10))


def always_active() -> nn.Module:
    layers = nn.Linear(192, 8), nn.Sigmoid(), nn.ReLU(), nn.Linear(8, 10)
    return nn.Sequential(nn.Flatten(), *layers)


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_networks_in_which_nothing_bends_are_refused(batch, engine):
    space = ChoiceSpace("smooth", {"width": (4, 8)}, lambda choices, classes: smooth())
    with (
        pytest.raises(NoRegionsError, match="no piecewise-linear activation"),
        pytest.warns(UserWarning) if engine == "native" else torch.no_grad(),
    ):
        tegnas.score("width=4", batch, space=space, engine=engine, **PR)


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_networks_of_one_pattern_fail(batch, engine):
    space = ChoiceSpace("active", {"width": (4, 8)}, lambda choices, classes: always_active())
    scores = tegnas.score("width=4", batch, space=space, engine=engine, **PR)
    assert scores["pattern_rank"].tolist() == [-torch.inf]


# Modules


def test_a_module_is_scored(batch):
    (arch,) = samples(SPACE, 1)
    network = SPACE.network(arch, "deep", seed=0)
    scores = tegnas.score([arch], batch, space=SPACE, **PR)
    score = tegnas.score_module(network, batch, indicators=["pattern_rank"])
    assert score["pattern_rank"] == pytest.approx(
        scores.networks["pattern_rank"][0, 0].item(), rel=1e-12
    )


def test_of_a_module_in_which_nothing_bends_it_is_not_defined(batch):
    with pytest.warns(RegionsWarning, match="no piecewise-linear activation"):
        score = tegnas.score_module(smooth(), batch, indicators=["pattern_rank"])
    assert score["pattern_rank"] != score["pattern_rank"]


def test_a_module_of_one_pattern_fails(batch):
    score = tegnas.score_module(always_active(), batch, indicators=["pattern_rank"])
    assert score["pattern_rank"] == -torch.inf


# The command


def test_the_command_adds_it_to_a_preset():
    (arch,) = samples(SPACE, 1)
    options = ["--images", "digits", "--train", "8", "--val", "4", "--repeats", "2"]
    asked = ["score", str(arch), *options, "--region-samples", "50", "--json"]
    done = CliRunner().invoke(app, [*asked, "--indicator", "pattern_rank"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["scores"]
    assert 1 < row["pattern_rank"] < 7 and "linear_regions" in row
