"""Vision transformers: the spaces of ViT-Bench-101, their networks, kernels and patterns."""

from __future__ import annotations

import json
import pickle
import random
import types
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tegnas
from tegnas import InputError, get_space
from tegnas.export import pytorch_source
from tegnas.kernel.alike import alike_jacobians
from tegnas.kernel.gradients import gram
from tegnas.networks.autoformer import AutoFormerNetwork
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.networks.initialise import initial_values, initialise
from tegnas.networks.pit import PiTNetwork, PiTStage
from tegnas.networks.transformer import Cut
from tegnas.regions import measure_regions, region_inputs
from tegnas.regions.alike import alike_regions
from tegnas.search import search
from tegnas.spaces import ViT, autoformer, pit
from tegnas.spaces.small_size import SmallSize

SPACES = ("autoformer", "pit", "vit")
AUTOFORMER = (
    '{"hidden_dim": 216, "mlp_ratio": [3.5, 4.0, 3.5, 4.0, 4.0, 4.0, 3.5, 4.0, 4.0, 4.0, 4.0, 3.5, '
    '3.5], "depth": 13, "num_heads": [3, 3, 4, 4, 3, 4, 3, 4, 4, 3, 3, 4, 4]}'
)
PIT = '{"base_dim": 24, "mlp_ratio": 6, "depth": [2, 8, 4], "num_heads": [2, 4, 4]}'
KINDS = ("proxy", "thin", "deep", "deep-thin")


def sampled(name: str, seed: int = 0):
    space = get_space(name)
    return space, space.sample(random.Random(seed))


def float64(network: torch.nn.Module) -> torch.nn.Module:
    """Every parameter away from its initial value, in float64."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for each in network.double().parameters():
            each += 0.2 * torch.randn(each.shape, generator=generator, dtype=torch.float64)
    return network


def by_autograd(network: torch.nn.Module, images: torch.Tensor, names: list[str]) -> torch.Tensor:
    """J Jᵀ of the summed logits, image by image."""
    rows = []
    for image in images:
        gradients = torch.autograd.grad(
            network(image[None]).sum(), [network.get_parameter(n) for n in names]
        )
        rows.append(torch.cat([each.flatten() for each in gradients]))
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


# Architectures


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_text_reads_back_and_mutations_are_neighbours(name, seed):
    space, rng = get_space(name), random.Random(seed)
    arch = space.sample(rng)
    assert space.parse(str(arch)) == arch
    assert space.mutate(arch, rng) in list(space.neighbours(arch))


@pytest.mark.parametrize("text", [AUTOFORMER, PIT])
def test_the_notation_is_that_of_the_table(text):
    space = get_space("vit")
    assert str(space.parse(text)) == text
    assert str(space.parse(str(json.loads(text)))) == text  # as Python prints it


@pytest.mark.parametrize(
    ("name", "size"), [("autoformer", 3 * (4**12 + 4**13 + 4**14)), ("pit", 4320)]
)
def test_spaces_are_products_of_choices(name, size):
    space, rng = get_space(name), random.Random(0)
    assert len(space) == size
    for _ in range(20):
        indices = tuple(rng.randrange(len(each.options)) for each in space.choices())
        assert space.encode(space.decode(indices)) == indices
    arch = space.sample(rng)
    assert len(set(space.neighbours(arch))) == sum(len(c.options) - 1 for c in space.choices())


def test_both_spaces_are_drawn_from():
    space, rng = get_space("vit"), random.Random(0)
    kinds = {type(space.sample(rng)).__name__ for _ in range(20)}
    assert kinds == {"AutoFormerArchitecture", "PiTArchitecture"}
    assert len(space) == len(space.autoformer) + len(space.pit)
    assert space.parse(PIT) == next(each for each in space if str(each) == PIT)
    assert pickle.loads(pickle.dumps(space)).parse(PIT) == space.parse(PIT)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("autoformer", "[1, 2]", "should look like"),
        ("autoformer", PIT, "should look like"),
        ("autoformer", AUTOFORMER.replace("216", "200"), "hidden_dim 200 .* has 192, 216, 240"),
        ("autoformer", AUTOFORMER.replace("13,", "14,"), "number of entries of num_heads 13"),
        ("autoformer", AUTOFORMER.replace("[3.5", "[3.0"), "mlp_ratio 3.0 .* has 3.5, 4.0"),
        ("pit", PIT.replace("[2, 8, 4]", "[2, 8]"), "number of entries of depth 2"),
        ("pit", PIT.replace("[2, 8, 4]", "[4, 8, 4]"), "depth 4 .* has 1, 2, 3"),
        ("pit", PIT.replace("[2, 4, 4]", "[4, 2, 4]"), r"num_heads \[4, 2, 4\]"),
        ("vit", "nothing", "should look like"),
    ],
)
def test_what_is_malformed_is_named(name, text, message):
    with pytest.raises(InputError, match=message):
        get_space(name).parse(text)


# Networks


def test_published_networks_have_their_published_sizes():
    # DeiT-Ti (Touvron et al. 2021) has the layers of an AutoFormer: 5,717,416 parameters, 1.3 G.
    with torch.device("meta"):
        deit = AutoFormerNetwork(192, [(3, 4.0)] * 12, autoformer.CUT, 1000)
    assert count_parameters(deit) == 5_717_416
    assert count_flops(deit, (3, 224, 224)) / 1e9 == pytest.approx(1.26, abs=0.01)
    # PiT-Ti (Heo et al. 2021, table 5): 4.9 M parameters, 0.71 G.
    stages = [PiTStage(64, 2, 2), PiTStage(128, 6, 4), PiTStage(256, 4, 8)]
    with torch.device("meta"):
        tiny = PiTNetwork(stages, 4, pit.CUT, 1000)
    assert count_parameters(tiny) / 1e6 == pytest.approx(4.85, abs=0.01)
    assert count_flops(tiny, (3, 224, 224)) / 1e9 == pytest.approx(0.70, abs=0.01)


@pytest.mark.parametrize("name", ["autoformer", "pit"])
@pytest.mark.parametrize("kind", KINDS)
def test_small_networks_take_images_of_any_size(name, kind):
    space, arch = sampled(name)
    network = space.network(arch, kind, num_classes=7)
    channels = network.region_input_shape[0]
    assert (channels == 1) == ("thin" in kind)
    for height, width in ((1, 1), (2, 3), (16, 16), (17, 9), (40, 32)):
        assert network(torch.randn(2, channels, height, width)).shape == (2, 7)


@pytest.mark.parametrize(("name", "tokens"), [("autoformer", (8, 16)), ("pit", (7, 15))])
def test_small_images_are_cut_into_small_patches(name, tokens):
    space, arch = sampled(name)
    patches = space.network(arch, "deep").patches
    for side, grid in zip((16, 32), tokens, strict=True):
        assert patches(torch.randn(1, 3, side, side)).shape[2:] == (grid, grid)
    with torch.device("meta"):
        full = space.network(arch, "full").patches
        assert full(torch.zeros(1, 3, 32, 32)).shape[2:] == (full.cut.grid,) * 2


def test_every_pixel_is_in_a_patch():
    for cut in (Cut(2, 2, 32), Cut(4, 2, 32), Cut(16, 8, 224)):
        for side in range(1, 40):
            padded = cut.padded(torch.zeros(1, 1, side, side)).shape[2]
            assert padded >= max(side, cut.patch) and (padded - cut.patch) % cut.stride == 0
            assert padded - side < max(cut.patch, cut.stride)


def test_deep_networks_keep_depth_heads_and_proportions():
    space = get_space("autoformer")
    arch = space.parse(AUTOFORMER)
    with torch.device("meta"):
        deep = type(space)(deep=SmallSize(2)).network(arch, "deep")
        full = space.network(arch, "full")
    assert [b.attention.heads for b in deep.blocks] == [b.attention.heads for b in full.blocks]
    for published, width in zip(autoformer.WIDTHS, (8, 9, 10), strict=True):
        for channels in (1, 2, 3):
            other = type(space)(deep=SmallSize(channels))
            with torch.device("meta"):
                network = other.network(replace(arch, width=published), "deep")
            assert network.norm.weight.shape == (channels * width,)
    for published, width in zip(pit.HEAD_WIDTHS, (2, 3, 4, 5), strict=True):
        other = type(get_space("pit"))(deep=SmallSize(1))
        with torch.device("meta"):
            network = other.network(replace(other.parse(PIT), head_width=published), "deep")
        assert network.patches.conv.out_channels == 2 * width
    for name, text in (("autoformer", AUTOFORMER), ("pit", PIT)):
        half = type(get_space(name))(deep=SmallSize(2, 0.5))
        blocks = [n for n, _ in half.network(half.parse(text), "deep").named_modules()]
        kept = sum(each.endswith("attention") for each in blocks)
        assert kept == (7 if name == "autoformer" else 1 + 4 + 2)


@pytest.mark.parametrize(("text", "cells"), [(AUTOFORMER, 2), (PIT, 1)])
def test_written_networks_compute_the_same(text, cells):
    space = get_space("vit")
    arch, size = space.parse(text), {"channels": 8, "cells": cells, "num_classes": 7}
    network = space.full_network(arch, **size)
    source = pytorch_source(space, arch, **size)
    assert max(map(len, source.splitlines())) <= 100
    module = types.ModuleType("written")
    exec(compile(source, "written.py", "exec"), module.__dict__)
    written = module.Network()
    assert sorted(written.state_dict()) == sorted(network.state_dict())
    initialise(network, 3)
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 20, 20)
    torch.testing.assert_close(written(images), network(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["autoformer", "pit"])
def test_sizes_are_those_of_the_network(name):
    space, arch = sampled(name, 1)
    with torch.device("meta"):
        network = space.network(arch, "full", num_classes=7)
    assert space.parameters(arch, 7) == count_parameters(network)
    assert get_space("vit").flops(arch, 7, (3, 32, 32)) == count_flops(network)


# Kernels


@pytest.mark.parametrize("name", ["autoformer", "pit"])
@pytest.mark.parametrize("side", [5, 32])
def test_kernels_are_those_of_autograd(name, side):
    space = type(get_space(name))(deep=SmallSize(2, 0.3))
    network = float64(space.network(sampled(name)[1], "deep", num_classes=3))
    images = torch.randn(5, 3, side, side, dtype=torch.float64)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = tegnas.ntk(network, images)
    names = [n for n, _ in network.named_parameters() if not n.endswith("bias")]
    expected = by_autograd(network, images, names)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)
    # Positions that fit aren't brought to another grid, and take no pass per image.
    assert [("doesn't know positions:" in str(each.message)) for each in caught] == [True] * (
        side < 32
    )
    assert {"token", "positions"} <= set(names)
    torch.testing.assert_close(tegnas.ntk(network, images, batch_norm="coupled"), found)


@pytest.mark.parametrize("name", ["autoformer", "pit"])
def test_networks_keep_rows_as_they_say(name):
    space, arch = sampled(name, 2)
    network = type(space)(deep=SmallSize(2, 0.3)).network(arch, "deep")
    images = torch.randn(6, 3, 16, 16)
    trusted = tegnas.ntk(network, images, details=True).kernel
    network.keeps_rows = False
    torch.testing.assert_close(tegnas.ntk(network, images, details=True).kernel, trusted)
    thin = space.network(arch, "deep-thin")
    inputs = region_inputs((1, 1, 1), samples=100, batch_size=60, seed=0)
    found = measure_regions(thin, inputs, smooth=True)
    thin.keeps_rows = False
    assert measure_regions(thin, inputs, smooth=True) == found
    assert found.signs == found.counted


@pytest.mark.parametrize("name", ["autoformer", "pit"])
def test_networks_run_at_once_have_their_own_kernels_and_patterns(name):
    space = type(get_space(name))(deep=SmallSize(2, 0.3), deep_thin=SmallSize(1, 0.3))
    arch, seeds = sampled(name, 3)[1], [4, 7, 11]
    images = torch.randn(5, 3, 8, 8, dtype=torch.float64)
    images[4] = images[1]
    networks = [space.network(arch, "deep", seed=seed).double() for seed in seeds]
    weights = {n: each.double() for n, each in initial_values(networks[0], seeds).items()}
    names = [n for n, _ in networks[0].named_parameters() if n.startswith(("blocks", "stage"))]
    names = [n for n in names if n.endswith("weight")]
    found = alike_jacobians(networks[0], weights, images, names)
    for network, each in zip(networks, found, strict=True):
        kernel = gram(each)
        torch.testing.assert_close(kernel, by_autograd(network, images, names))
        assert torch.equal(kernel[4], kernel[1])
    thin = [space.network(arch, "deep-thin", seed=seed) for seed in seeds]
    inputs = [torch.randn(3, count, *thin[0].region_input_shape) for count in (60, 30)]
    found = alike_regions(thin[0], initial_values(thin[0], seeds), inputs, smooth=True)
    for index, network in enumerate(thin):
        own = [each[index] for each in inputs]
        assert found[index] == measure_regions(network, own, smooth=True)


@pytest.mark.parametrize("name", ["autoformer", "pit"])
def test_networks_score_the_same_at_once_and_one_by_one(name, monkeypatch):
    space = type(get_space(name))(deep=SmallSize(2, 0.1), deep_thin=SmallSize(1, 0))
    batch = tegnas.load_batch("digits", train=6, val=6, seed=0)
    arguments = {"space": space, "repeats": 3, "region_samples": 50, "image_size": 8}
    at_once = tegnas.score([sampled(name)[1]], batch, **arguments)
    monkeypatch.setattr(AutoFormerNetwork, "runs_alike", False)
    monkeypatch.setattr(PiTNetwork, "runs_alike", False)
    one_by_one = tegnas.score([sampled(name)[1]], batch, **arguments)
    for each, values in at_once.networks.items():
        assert values.shape == (1, 3)
        torch.testing.assert_close(values, one_by_one.networks[each], rtol=1e-4, atol=0)


# Scores and searches

SMALLEST = ViT(deep=SmallSize(1, 0.1), deep_thin=SmallSize(1, 0))


def test_scores_name_their_engine_and_what_r_counts():
    space = SMALLEST
    batch = tegnas.load_batch("digits", train=6, val=6, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = tegnas.score([AUTOFORMER, PIT], batch, space=space, repeats=1, region_samples=100)
    assert scores.settings.engine == "torch"
    assert all(scores[name].isfinite().all() for name in scores.settings.names)
    (note,) = scores.warnings
    assert "signs of what enters gelu, and not one of linear regions" in note


@pytest.mark.parametrize("source", ["digits", "noise"])
def test_a_search_draws_both_and_goes_on(source, tmp_path):
    batch = tegnas.load_batch(source, train=6, val=6, seed=0)
    settings = tegnas.ScoreSettings(repeats=1, region_samples=20, image_size=8)
    arguments = {"settings": settings, "out": tmp_path / "a"}
    result = search(SMALLEST, batch, "random", 3, **arguments)
    assert search(SMALLEST, batch, "random", 3, **arguments).history == result.history
    assert result.settings["score"]["engine"] == "torch"
    assert any("signs of what enters gelu" in each for each in result.warnings)


def test_policies_search_one_of_the_two():
    batch = tegnas.load_batch("digits", train=6, val=6, seed=0)
    with pytest.raises(InputError, match="choices"):
        search(get_space("vit"), batch, "reinforce", 2)
