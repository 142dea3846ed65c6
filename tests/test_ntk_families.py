"""Kernels of every family against an independent computation in float64.

``tools/compare_models.py`` does the same with the models of timm and torchvision.
"""

from __future__ import annotations

import pytest
import torch
from families import FAMILIES, SIDE
from networks import images, randomise

from tegnas import ntk
from tools.compare_models import independent_rows, relative_error

pytestmark = [
    pytest.mark.filterwarnings("ignore::tegnas.kernel.EngineWarning"),
    pytest.mark.filterwarnings("ignore::tegnas.kernel.AutogradLayersWarning"),
]


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@pytest.mark.parametrize("name", FAMILIES)
def test_kernel_and_cross_kernel(name, batch_norm):
    torch.manual_seed(0)
    network = randomise(FAMILIES[name]())
    x, other = images(4, 3, SIDE, SIDE), images(3, 3, SIDE, SIDE, seed=1)
    left = independent_rows(network, x, batch_norm)
    right = independent_rows(network, other, batch_norm)
    assert relative_error(ntk(network, x, batch_norm=batch_norm), left @ left.T) < 1e-10
    assert relative_error(ntk(network, x, other, batch_norm=batch_norm), left @ right.T) < 1e-10


# What the native Gram takes nothing of, or not all: the rest goes through autograd.
AUTOGRAD = {
    "GroupNorm": {"2.weight"},  # PReLU
    "NFNet": {"0.weight", "2.weight"},
    "U-Net": {"0.up.weight"},
    "ViT": {"0.class_token", "0.positions", "1.layers.2.gamma"},
    "Swin": {
        "0.positions",
        "1.relative_position_bias_table",
        "2.relative_position_bias_table",
    },
    "mixture of experts": {"0.positions"},
    "MobileNet": set(),
    "ConvNeXt": {"1.layers.1.2.gamma"},
}


@pytest.mark.parametrize("name", AUTOGRAD)
def test_what_goes_through_autograd(name):
    network = randomise(FAMILIES[name]())
    assert set(ntk(network, images(4, 3, SIDE, SIDE), details=True).autograd) == AUTOGRAD[name]
