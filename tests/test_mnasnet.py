"""The MnasNet space of Accel-NASBench: its networks are those of the table."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import tegnas
from tegnas import InputError, get_space
from tegnas.export import pytorch_source
from tegnas.networks.full import full_network
from tegnas.networks.inverted_residual import InvertedResidual, SqueezeExcitation
from tegnas.networks.mnasnet import last_halvings
from tegnas.spaces import MnasNet
from tegnas.spaces.small_size import SmallSize

SPACE = get_space("mnasnet")
IMAGE = (3, 224, 224)
B0 = "e1k3l1s1-e6k3l2s1-e6k5l2s1-e6k3l3s1-e6k5l3s1-e6k5l4s1-e6k3l1s1"
SMALL = "e1k3l1s0-e4k5l2s1-e1k5l1s1-e6k3l1s0-e1k3l2s0-e4k3l1s1-e1k5l1s0"


def added_by_the_benchmark(network: nn.Module) -> int:
    """What its tool, thop, counts beside convolutions and the classifier's matrix.

    Four operations for each value of a BatchNorm, and one for each value that a global average pool
    reads or writes.
    """
    added = network.head.conv.out_channels * (7 * 7 + 1)

    def norm(module, args, output):
        nonlocal added
        added += 4 * output[0].numel()

    def pool(module, args, output):
        nonlocal added
        added += args[0][0].numel() + args[0].shape[1]

    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(norm)
        if isinstance(module, SqueezeExcitation):
            module.register_forward_hook(pool)
    network(torch.zeros(1, *IMAGE, device="meta"))
    return added


def test_every_row_of_the_table_is_read_and_sizes_are_those_of_the_table(shared_data):
    found = tegnas.load_benchmark(shared_data / "benchmarks" / "mnasnet_imagenet.csv")
    assert (found.name, found.space.name, len(found)) == ("mnasnet-imagenet", "mnasnet", 2551)
    assert list(found.truth) == ["val_top1", "val_top5"]
    # The table rounds to five digits behind the point, of millions.
    for arch, params in zip(found.archs, found.facts["params_m"], strict=True):
        assert abs(SPACE.parameters(arch, 1000) - round(params * 1e6)) <= 5
    for index in range(0, len(found), 600):
        arch = found.archs[index]
        with torch.device("meta"):
            network = SPACE.network(arch, "full", num_classes=1000).eval()
        macs = SPACE.flops(arch, 1000, IMAGE) - 1000 + added_by_the_benchmark(network)
        assert abs(macs - round(found.facts["macs_m"][index] * 1e6)) <= 5


def test_the_space_has_the_choices_of_the_table(shared_data):
    found = tegnas.load_benchmark(shared_data / "benchmarks" / "mnasnet_imagenet.csv")
    seen = [set(each) for each in zip(*map(SPACE.encode, found.archs), strict=True)]
    assert [len(each) for each in seen] == [len(each.options) for each in SPACE.choices()]


def test_text_is_read_with_dashes_commas_or_spaces():
    arch = SPACE.parse(B0)
    assert str(arch) == B0
    assert SPACE.parse(B0.replace("-", ",")) == SPACE.parse(B0.replace("-", "  ")) == arch
    assert len(SPACE) == 36**6 * 48


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (B0[:-9], "should look like e1k3l1s1-"),
        (B0.replace("l3s1-e6k5l4", "l4s1-e6k5l4"), "block 4 .* l4; the options are l1, l2, l3"),
        (B0.replace("e1k3l1s1-", "e3k3l1s1-"), "block 0 .* e3; the options are e1, e4, e6"),
        (B0.replace("e6k3l1s1", "e6k3l1s2"), "block 6 .* s2; the options are s0, s1"),
    ],
)
def test_malformed_architectures_are_named(text, message):
    with pytest.raises(InputError, match=message):
        SPACE.parse(text)


def test_small_networks_keep_layers_and_the_last_halvings():
    arch = SPACE.parse(SMALL)

    def layers(space: MnasNet, kind: str) -> list[int]:
        network = space.network(arch, kind)
        return [len(network.get_submodule(f"stage{index}")) for index in range(7)]

    assert all(layers(SPACE, kind) == [1, 2, 1, 1, 2, 1, 1] for kind in ("proxy", "thin", "full"))
    assert last_halvings(5) == (2, 1, 2, 2, 2, 1, 2, 1)
    assert last_halvings(3) == (1, 1, 1, 2, 2, 1, 2, 1)
    sides = []
    for halvings in (0, 3, 5):
        network = MnasNet(halvings=halvings).network(arch, "deep").eval()
        network.head.register_forward_hook(lambda module, args, out: sides.append(out.shape[-1]))
        network(torch.zeros(1, 3, 16, 16))
    assert sides == [16, 2, 1]
    with pytest.raises(InputError, match="from 0 to 5, got 6"):
        MnasNet(halvings=6)


def test_sizes_are_those_of_the_constructor():
    space = MnasNet(deep=SmallSize(2), deep_thin=SmallSize(2), region_side=3)
    network = space.network(SPACE.parse(SMALL), "deep")
    widths = [
        network.get_submodule(f"stage{index}.block0.project.conv").out_channels
        for index in range(7)
    ]
    assert widths == [2, 3, 5, 10, 14, 24, 40]
    assert (network.stem.conv.out_channels, network.head.conv.out_channels) == (4, 160)
    assert space.network(SPACE.parse(SMALL), "deep-thin").region_input_shape == (4, 3, 3)


@pytest.mark.parametrize("side", [1, 7, 16, 32])
@pytest.mark.parametrize("kind", ["deep", "full"])
def test_images_of_any_side_work(kind, side):
    network = SPACE.network(SPACE.sample(random.Random(side)), kind, num_classes=3).eval()
    assert network(torch.zeros(2, 3, side, side)).shape == (2, 3)


@pytest.mark.parametrize("text", [SMALL, B0, SMALL.replace("s1", "s0")])
def test_written_source_computes_the_same(text):
    arch = SPACE.parse(text)
    network = full_network(SPACE, arch, channels=4, num_classes=7).eval()
    source = pytorch_source(SPACE, arch, channels=4, num_classes=7)
    assert max(map(len, source.splitlines())) <= 100
    assert ("SqueezeExcitation" in source) == ("s1" in text)
    module: dict = {"__name__": "written"}
    exec(compile(source, "written.py", "exec"), module)
    written = module["Network"]().eval()
    assert list(written.state_dict()) == list(network.state_dict())
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(written(images), network(images))


def test_the_number_of_layers_is_the_architectures_own():
    with pytest.raises(InputError, match="layers of their architecture; leave cells out"):
        full_network(SPACE, SPACE.parse(SMALL), cells=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "tanh"}, "unknown activation 'tanh' of a block; choose one of none, relu"),
        ({"residual": True, "stride": 2}, "with stride 2 can't be residual"),
    ],
)
def test_blocks_that_make_no_sense_are_named(change, message):
    with pytest.raises(InputError, match=message):
        InvertedResidual(4, 4, 3, 6, **change)
