"""Supernets of NAS-Bench-201: text, pruning, networks and programs."""

from __future__ import annotations

import pytest
import torch
from paper import paper_settings
from torch import nn

from tegnas import load_batch, score
from tegnas.engine.lowering import lower_module
from tegnas.engine.program import SCALE, ParameterLayout
from tegnas.errors import InputError
from tegnas.networks.mixed import MixedOperation
from tegnas.spaces import get_space
from tegnas.spaces.factorised import Supernet

SPACE = get_space("nas-bench-201")


def test_text_reads_back():
    supernet = SPACE.supernet().without([(0, "skip_connect"), (5, "avg_pool_3x3")])
    assert SPACE.parse(str(supernet)) == supernet
    empty = Supernet((("none",), (), (), (), (), ()))
    assert SPACE.parse(str(empty)) == empty


@pytest.mark.parametrize(
    ("text", "message"),
    [("{skip_connect}", "1 edges instead of 6"), ("{a;a;a;a;a;a}", "unknown operation 'a'")],
)
def test_malformed_text_is_named(text, message):
    with pytest.raises(InputError, match=message):
        SPACE.parse(text)


def test_a_single_path_is_an_architecture():
    supernet = Supernet((("nor_conv_3x3",),) * 6)
    assert SPACE.removals(supernet) == ()
    assert SPACE.encode(SPACE.single_path(supernet)) == (3,) * 6
    assert len(SPACE.removals(SPACE.supernet())) == 6


def test_an_edge_is_the_mean_of_its_operations():
    mixed = MixedOperation(
        ["skip_connect", "avg_pool_3x3"],
        lambda name: nn.Identity() if name == "skip_connect" else nn.AvgPool2d(3, 1, 1),
    )
    image = torch.randn(2, 3, 4, 4)
    expected = (image + nn.functional.avg_pool2d(image, 3, 1, 1)) / 2
    torch.testing.assert_close(mixed(image), expected)


@pytest.mark.parametrize(
    ("kind", "cells"), [("proxy", 3), ("thin", 1), ("deep", 9), ("deep-thin", 3)]
)
def test_supernets_have_networks_and_programs(kind, cells):
    supernet = SPACE.supernet().without([(2, "nor_conv_1x1"), (2, "skip_connect")])
    network = SPACE.network(supernet, kind)
    shape = getattr(network, "region_input_shape", (3, 8, 8))
    assert network(torch.randn(4, *shape)).shape == (4, 10)
    program = SPACE.program(
        supernet, kind, num_classes=10, image_shape=shape, layout=ParameterLayout()
    )
    traced = lower_module(network, shape).program
    scales = [
        sum(opcode == SCALE for opcode, *_ in each.instructions) for each in (program, traced)
    ]
    assert scales[0] == scales[1] == 6 * cells


@pytest.mark.parametrize("silent", [("none",), (), ("none", "nor_conv_1x1")])
def test_operations_that_give_zeros_count_in_the_mean_alone(silent):
    edges = [("nor_conv_3x3", "skip_connect")] * 6
    edges[1] = edges[4] = silent
    batch = load_batch("digits", train=8, val=8, seed=1, size=8)
    settings = paper_settings(repeats=1, region_samples=50)
    native, modules = (
        score([Supernet(tuple(edges))], batch, space=SPACE, settings=settings, engine=engine)
        for engine in ("native", "torch")
    )
    torch.testing.assert_close(native.kappa, modules.kappa, rtol=1e-4, atol=0)
    torch.testing.assert_close(native.mse, modules.mse, rtol=1e-4, atol=0)
    assert torch.equal(native.regions, modules.regions)


def test_is_connected_needs_one_real_operation_per_edge():
    assert SPACE.is_connected(SPACE.supernet())
    assert not SPACE.is_connected(Supernet((("none",),) * 6))
