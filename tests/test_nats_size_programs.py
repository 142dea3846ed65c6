"""Programs of NATS-Bench size networks are those of the modules."""

from __future__ import annotations

import pytest
import torch
from traced_space import Traced

from tegnas import ops
from tegnas.engine.program import ParameterLayout
from tegnas.scoring.jobs import JobMaker
from tegnas.spaces import get_space

SPACE = get_space("nats-size")
# Cells that keep their number of channels, and cells that change it.
ARCHS = [SPACE.parse("8:8:8:8:8"), SPACE.parse("16:64:8:40:40")]
IMAGES, PIXELS = (3, 8, 8), (1, 1, 1)


@pytest.mark.parametrize("kind", ["proxy", "deep", "full"])
def test_kernels_are_those_of_the_traced_network(kind):
    images = torch.randn(6, *IMAGES, generator=torch.Generator().manual_seed(0))
    written, traced = (
        ops.engine_ntk(
            JobMaker(each, kind, num_classes=3, image_shape=IMAGES, seeds=range(2)).make(ARCHS),
            images,
        )[0]
        for each in (SPACE, Traced(SPACE))
    )
    torch.testing.assert_close(written, traced, rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", ["thin", "deep-thin"])
def test_regions_are_those_of_the_traced_network(kind):
    inputs = torch.randn(2, 200, *PIXELS, generator=torch.Generator().manual_seed(0))
    written, traced = (
        ops.engine_regions(
            JobMaker(each, kind, num_classes=3, image_shape=PIXELS, seeds=range(2)).make(ARCHS),
            inputs,
            batch_size=200,
        )
        for each in (SPACE, Traced(SPACE))
    )
    assert torch.equal(written, traced)


@pytest.mark.parametrize("kind", ["proxy", "thin", "deep", "deep-thin", "full"])
def test_parameters_have_the_names_of_the_module(kind):
    shape = PIXELS if "thin" in kind else IMAGES
    for arch in ARCHS:
        layout = ParameterLayout()
        SPACE.program(arch, kind, num_classes=3, image_shape=shape, layout=layout)
        network = SPACE.network(arch, kind, num_classes=3)
        named = {name: tuple(value.shape) for name, value in network.named_parameters()}
        assert {name: shape for name, shape, _ in layout.entries()} == named
