"""NAS-Bench-Macro: its networks are those of the table, and the engine's those of PyTorch."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import tegnas
from tegnas import InputError, get_space
from tegnas.engine.program import ParameterLayout
from tegnas.export import pytorch_source
from tegnas.networks.full import full_network
from tegnas.networks.initialise import initial_value
from tegnas.spaces import NasBenchMacro
from tegnas.spaces.sizes import full_flops, full_parameters
from tegnas.spaces.small_size import SmallSize

SPACE = get_space("nas-bench-macro")
TEXTS = ["00000000", "10210021", "22222222", "01020102"]


def test_every_row_of_the_table_is_read_and_sizes_are_those_of_the_table(shared_data):
    found = tegnas.load_benchmark(shared_data / "benchmarks" / "nasbench_macro.csv")
    assert (found.name, found.space.name, len(found)) == (SPACE.name, SPACE.name, 3294)
    assert list(found.truth) == ["acc", "s0", "s1", "s2"]
    assert sorted(found.facts) == ["flops", "params", "std"]
    for arch, params, flops in zip(
        found.archs, found.facts["params"], found.facts["flops"], strict=True
    ):
        assert full_parameters(SPACE, arch) == params
        # Its FLOPs are multiplications, without the ten biases of the classifier.
        assert full_flops(SPACE, arch) - 10 == flops


def test_an_architecture_is_eight_digits():
    assert str(SPACE.parse(" 11111221 ")) == "11111221"
    for text in ("1111122", "111112211", "11111223", "1,1,1,1"):
        with pytest.raises(InputError, match="should be 8 digits such as 11111221"):
            SPACE.parse(text)


def test_identities_within_a_stage_may_stand_anywhere():
    assert len(SPACE) == 6561
    assert len({SPACE.canonical(arch) for arch in SPACE}) == 9 * 21 * 21
    moved = SPACE.parse("01202102")
    assert SPACE.canonical(moved) == "01220120"
    networks = [SPACE.network(arch, "deep") for arch in (moved, SPACE.representative(moved))]
    first, second = (dict(network.named_parameters()) for network in networks)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_identity_is_a_projection_where_a_stage_begins_and_nothing_elsewhere():
    network = SPACE.network(SPACE.parse("00000000"), "full")
    names = [name for name, _ in network.named_parameters() if name.startswith("stage")]
    assert names == [
        f"stage{stage}.block0.{part}"
        for stage in range(3)
        for part in ("conv.weight", "bn.weight", "bn.bias")
    ]


def test_small_networks_have_the_wiring_of_the_trained_one():
    arch = SPACE.parse("12210122")

    def wiring(kind: str) -> list[tuple[int, bool]]:
        network = SPACE.network(arch, kind)
        blocks = [each for name, each in network.named_modules() if name.count(".") == 1]
        return [
            (each.depthwise.conv.kernel_size[0], each.residual)
            for each in blocks
            if hasattr(each, "depthwise")
        ]

    assert all(wiring(kind) == wiring("full") for kind in ("proxy", "thin", "deep", "deep-thin"))


def test_sizes_are_those_of_the_constructor():
    space = NasBenchMacro(deep=SmallSize(8), deep_thin=SmallSize(2))
    network = space.network(space.parse("11111111"), "deep")
    widths = [network.get_submodule(f"stage{i}.block0.project.conv").out_channels for i in range(3)]
    assert widths == [8, 16, 32]
    assert (network.stem.conv.out_channels, network.head.conv.out_channels) == (4, 160)
    thin = space.network(space.parse("11111111"), "deep-thin")
    assert thin.region_input_shape == (1, 1, 1)
    assert isinstance(thin.stem, nn.Identity)


@pytest.mark.parametrize("side", [1, 5, 16, 32])
def test_images_of_any_side_work(side):
    arch = SPACE.sample(random.Random(side))
    network = SPACE.network(arch, "deep", num_classes=3).eval()
    assert network(torch.zeros(2, 3, side, side)).shape == (2, 3)
    program = SPACE.program(
        arch, "deep", num_classes=3, image_shape=(3, side, side), layout=ParameterLayout()
    )
    assert program.instructions


def test_weights_do_not_depend_on_the_way_they_are_made():
    network = SPACE.network(SPACE.parse("11111111"), "deep", seed=4)
    name = "stage1.block0.expand.conv.weight"
    weight = network.get_parameter(name)
    assert torch.equal(weight, initial_value(4, name, tuple(weight.shape)))


@pytest.mark.parametrize("text", TEXTS)
def test_written_source_computes_the_same(text):
    arch = SPACE.parse(text)
    network = full_network(SPACE, arch, channels=4, num_classes=7).eval()
    source = pytorch_source(SPACE, arch, channels=4, num_classes=7)
    assert max(map(len, source.splitlines())) <= 100
    module: dict = {"__name__": "written"}
    exec(compile(source, "written.py", "exec"), module)
    written = module["Network"]().eval()
    assert list(written.state_dict()) == list(network.state_dict())
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(written(images), network(images))


def test_the_number_of_layers_is_the_architectures_own():
    with pytest.raises(InputError, match="eight layers of their architecture; leave cells out"):
        full_network(SPACE, SPACE.parse("11111111"), cells=2)
