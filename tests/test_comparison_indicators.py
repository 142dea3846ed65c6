"""The training-free scores of other papers, each against a second, plain computation."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import state_of
from torch import Tensor, nn

from tegnas import InputError, get_indicator, get_space
from tegnas.indicators.comparison import az_nas, meco, zen
from tegnas.indicators.registry import BUILTIN
from tegnas.indicators.sources import Network

NAMES = [each.name for each in BUILTIN if isinstance(each.source, Network)]
SPACE = get_space("nas-bench-201")


class Small(nn.Module):
    """Stem, two residual blocks with a stride between them, pooling, classifier; no biases."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Block(3, 4, 1)
        self.stage = nn.Sequential(Block(4, 4, 1), Block(4, 6, 2))
        self.classifier = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.stage(self.stem(x)).mean((2, 3)))


class Block(nn.Module):
    def __init__(self, ins: int, outs: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(outs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return Small()


@pytest.fixture
def images() -> Tensor:
    return torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def labels() -> Tensor:
    return torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])


def value(name: str, network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return get_indicator(name).compute(network, images, labels)


def training(network: nn.Module) -> nn.Module:
    """A copy that normalises by the batch, as a network in training does."""
    return copy.deepcopy(network).train()


def by_image_gradients(network, images, labels) -> list[tuple[Tensor, Tensor]]:
    """Weight and gradient of the loss, by finite autograd of a training copy."""
    copied = training(network)
    F.cross_entropy(copied(images), labels).backward()
    return [
        (each.weight.detach(), each.weight.grad)
        for each in copied.modules()
        if isinstance(each, nn.Conv2d | nn.Linear)
    ]


def test_gradient_norm_and_snip_are_sums_over_weights(network, images, labels):
    pairs = [(w.numpy(), g.numpy()) for w, g in by_image_gradients(network, images, labels)]
    norms = sum(float(np.sqrt((g.astype(np.float64) ** 2).sum())) for _, g in pairs)
    sensitivities = sum(float(np.abs(w * g).sum()) for w, g in pairs)
    assert value("grad_norm", network, images, labels) == pytest.approx(norms, rel=1e-4)
    assert value("snip", network, images, labels) == pytest.approx(sensitivities, rel=1e-4)


def test_grasp_is_the_change_of_the_gradients_norm_along_the_weights(network, images, labels):
    """−θᵀ H g by a central difference of the gradient in the direction of g."""
    network, images = network.double(), images.double()
    step = 1e-6

    def gradients(shift: float) -> list[Tensor]:
        moved = copy.deepcopy(network)
        if shift:
            weights = [m for m in moved.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
            with torch.no_grad():
                for module, (_, g) in zip(weights, first, strict=True):
                    module.weight += shift * g
        return [g for _, g in by_image_gradients(moved, images, labels)]

    first = by_image_gradients(network, images, labels)
    products = [
        (ahead - behind) / (2 * step)
        for ahead, behind in zip(gradients(step), gradients(-step), strict=True)
    ]
    expected = -sum(float((w * h).sum()) for (w, _), h in zip(first, products, strict=True))
    assert value("grasp", network, images, labels) == pytest.approx(expected, rel=1e-4)


def test_fisher_by_the_gradient_of_a_mask_of_every_channel_and_image(network, images, labels):
    """Σ_hw a g is the derivative by a factor on the channel of one image."""
    copied = training(network)
    masks: list[Tensor] = []

    def masked(module, args, output):
        shape = (*output.shape[:2], *([1] * (output.dim() - 2)))
        masks.append(torch.ones(shape, requires_grad=True))
        return output * masks[-1]

    for each in copied.modules():
        if isinstance(each, nn.Conv2d | nn.Linear):
            each.register_forward_hook(masked)
    F.cross_entropy(copied(images), labels).backward()
    expected = sum(float(0.5 * mask.grad.square().mean(0).sum()) for mask in masks)
    assert value("fisher", network, images, labels) == pytest.approx(expected, rel=1e-4)


def relu_signs(network: nn.Module, images: Tensor) -> np.ndarray:
    """(N, units) of all ReLUs."""
    copied, signs = training(network), []
    for each in copied.modules():
        if isinstance(each, Block):
            each.register_forward_hook(lambda m, a, out: signs.append((out > 0).flatten(1)))
    with torch.no_grad():
        copied(images)
    return torch.cat(signs, 1).numpy()


def test_naswot_counts_agreeing_units_image_by_image(network, images, labels):
    signs = relu_signs(network, images)
    kernel = np.array([[(a == b).sum() for b in signs] for a in signs], dtype=np.float64)
    _, expected = np.linalg.slogdet(kernel)
    assert value("naswot", network, images, labels) == pytest.approx(expected, rel=1e-6)


def test_swap_counts_patterns_of_units(network, images, labels):
    units = relu_signs(network, images).T
    assert value("swap", network, images, labels) == len({tuple(each) for each in units.tolist()})


def test_jacobian_covariance_by_one_backward_pass_per_image(network, images, labels):
    copied = training(network)
    pixels = images.clone().requires_grad_(True)
    logits = copied(pixels)
    jacobian = torch.autograd.grad(logits.sum(), pixels)[0].flatten(1).numpy().astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(jacobian))
    expected = -np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5))
    assert value("jacob_cov", network, images, labels) == pytest.approx(expected, rel=1e-3)


def test_synflow_is_the_flow_times_the_number_of_layers(network, images, labels):
    """A network of positive weights without norms is homogeneous: each layer sums to the output."""
    bare = training(network).double()
    for each in bare.modules():
        if isinstance(each, Block):
            each.bn = nn.Identity()
    with torch.no_grad():
        for each in bare.parameters():
            each.abs_()
        bare.classifier.bias.zero_()
        output = float(bare(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum())
    expected = math.log(4 * output)
    assert value("synflow", network, images, labels) == pytest.approx(expected, rel=1e-9)


def test_zico_is_the_ratio_of_mean_and_spread_of_two_batches(network, images, labels):
    halves = [
        [g.numpy().astype(np.float64) for _, g in by_image_gradients(network, x, y)]
        for x, y in ((images[:4], labels[:4]), (images[4:], labels[4:]))
    ]
    expected = 0.0
    for one, other in zip(*halves, strict=True):
        spread = np.std([one, other], axis=0)
        ratio = (np.mean(np.abs([one, other]), axis=0)[spread > 0] / spread[spread > 0]).sum()
        expected += math.log(ratio)
    assert value("zico", network, images, labels) == pytest.approx(expected, rel=1e-3)


def test_zen_by_the_running_variances_in_training(network, images, labels, monkeypatch):
    """With momentum 1 a BatchNorm's running variance is that of the batch, unbiased."""
    monkeypatch.setattr(zen, "_DRAWS", 1)
    generator = torch.Generator().manual_seed(0)
    copied = training(network)
    for each in copied.modules():
        if isinstance(each, nn.Conv2d | nn.Linear):
            with torch.no_grad():
                each.weight.copy_(torch.randn(each.weight.shape, generator=generator))
        if isinstance(each, nn.BatchNorm2d):
            each.momentum = 1.0
    x = torch.randn(16, 3, 8, 8, generator=generator)
    moved = x + 1e-2 * torch.randn(x.shape, generator=generator)
    with torch.no_grad():
        other = block_ends(copied, moved)[-1]
        features = copied.stage(copied.stem(x))
    scale = 0.0
    for norm, pixels in zip((m for m in copied.modules() if isinstance(m, nn.BatchNorm2d)),
                            (64, 64, 16), strict=True):  # fmt: skip
        biased = norm.running_var * (1 - 1 / (16 * pixels))
        scale += 0.5 * math.log(float(biased.mean()))
    expected = math.log(float((features - other).abs().sum() / 16)) + scale
    assert value("zen", network, images, labels) == pytest.approx(expected, rel=1e-4)


def test_meco_by_the_correlation_of_channels(network, images, labels):
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    copied, maps = training(network), []
    for each in copied.modules():
        if isinstance(each, nn.Conv2d | nn.BatchNorm2d):
            each.register_forward_hook(lambda m, a, out: maps.append(out[0].flatten(1)))
    with torch.no_grad():
        copied(noise)
    expected = sum(
        float(np.linalg.eigvalsh(np.corrcoef(each.numpy().astype(np.float64)))[0]) for each in maps
    )
    assert meco.meco(network, images, labels) == pytest.approx(expected, abs=1e-6)


def block_ends(network: nn.Module, x: Tensor) -> list[Tensor]:
    copied = training(network)
    ends = [copied.stem(x)]
    for block in copied.stage:
        ends.append(block(ends[-1]))
    return ends


def test_az_expressivity_and_progressivity_by_singular_values(network, images, labels):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    entropies = []
    with torch.no_grad():
        for features in block_ends(network, noise):
            rows = features.permute(0, 2, 3, 1).flatten(0, 2).double().numpy()
            shares = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
            shares /= shares.sum()
            entropies.append(-(shares * np.log(shares + 1e-8)).sum())
    found = value("az_expressivity", network, images, labels)
    assert found == pytest.approx(sum(entropies), rel=1e-4)
    growth = value("az_progressivity", network, images, labels)
    assert growth == pytest.approx(min(np.diff(entropies)), abs=1e-4)


def test_az_trainability_of_a_block_that_passes_gradients_on_unchanged():
    class Passing(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 1)
            self.block = Scale(factor)
            self.classifier = nn.Linear(4, 2)

        def forward(self, x):
            return self.classifier(self.block(self.stem(x)).mean((2, 3)))

    class Scale(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.part = nn.Identity()
            self.factor = factor

        def forward(self, x):
            return self.part(x) * self.factor

    images = torch.zeros(64, 3, 16, 16)
    for factor in (1.0, 2.0):
        found = az_nas.az_trainability(Passing(factor), images, torch.zeros(64))
        # Random signs of different channels are uncorrelated: σ is the factor, nearly.
        assert found == pytest.approx(2 - factor - 1 / factor, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_the_network_comes_back_as_it_was_and_gives_the_same_again(name, network, images, labels):
    before = state_of(network)
    first = value(name, network, images, labels)
    assert math.isfinite(first) and value(name, network, images, labels) == first
    assert state_of(network) == before
    assert all(each.grad is None for each in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_network_without_a_path_is_a_number_or_a_failure(name):
    arch = SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    network = SPACE.network(arch, "proxy")
    images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    assert isinstance(value(name, network, images, torch.arange(8)), float)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("naswot", "has no ReLU"),
        ("snip", "no convolution and no linear"),
        ("zen", "no feature map"),
    ],
)
def test_what_a_score_is_not_defined_for_is_said(name, message):
    network = nn.Flatten()
    with pytest.raises(InputError, match=message):
        value(name, network, torch.randn(4, 3, 2, 2), torch.arange(4))
