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
from torch.nn.utils.parametrizations import weight_norm

from tegnas import InputError, get_indicator, get_space
from tegnas.indicators.comparison import az_nas, zen
from tegnas.indicators.comparison.last_map import LastFeatureMap
from tegnas.indicators.registry import BUILTIN
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics

# What a network without a path has where it isn't just a number.
WITHOUT_A_PATH = {"synflow": -math.inf, "zen": -math.inf, "jacob_cov": math.nan}
# Scores that count, or that draw weights of their own.
NO_NUMBERS_NEEDED = ("naswot", "swap", "zen", "az_complexity")
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
    masks: list[tuple[int, Tensor]] = []

    def masked(module, args, output):
        shape = (*output.shape[:2], *([1] * (output.dim() - 2)))
        weights_of_a_channel = module.weight.numel() // output.shape[1]
        masks.append((weights_of_a_channel, torch.ones(shape, requires_grad=True)))
        return output * masks[-1][1]

    for each in copied.modules():
        if isinstance(each, nn.Conv2d | nn.Linear):
            each.register_forward_hook(masked)
    F.cross_entropy(copied(images), labels).backward()
    expected = sum(each * float(0.5 * mask.grad.square().mean(0).sum()) for each, mask in masks)
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


def test_swap_looks_at_feature_maps_where_there_are_some(images, labels):
    """The two units behind the pooling add no patterns of theirs; alone they do."""
    head = nn.Sequential(nn.Flatten(), nn.Linear(192, 2), nn.ReLU(), nn.Linear(2, 5))
    relu = nn.Sequential(nn.Identity(), nn.ReLU())
    alone = value("swap", head, images, labels)
    assert 1 <= alone <= 2
    expected = value("swap", relu, images, labels)
    assert value("swap", nn.Sequential(relu, head), images, labels) == expected > 2


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
    x = torch.randn(16, 3, 8, 8, generator=generator)
    moved = x + 1e-2 * torch.randn(x.shape, generator=generator)
    copied = training(network)
    norms = [each for each in copied.modules() if isinstance(each, nn.BatchNorm2d)]
    with torch.no_grad():
        for each in copied.modules():
            if isinstance(each, nn.Conv2d):
                each.weight.copy_(torch.randn(each.weight.shape, generator=generator))
        for norm in norms:
            norm.momentum = 1.0
        other = block_maps(copied, moved)[-1]
        features = copied.stage(copied.stem(x))
    scale = 0.0
    for norm, pixels in zip(norms, (64, 64, 16), strict=True):
        biased = norm.running_var * (1 - 1 / (16 * pixels))
        scale += 0.5 * math.log(float(biased.mean()))
    expected = math.log(float((features - other).abs().sum() / 16)) + scale
    assert value("zen", network, images, labels) == pytest.approx(expected, rel=1e-4)


def test_zen_looks_at_no_bias_scale_or_weight_that_the_network_has(network, images, labels):
    before = value("zen", network, images, labels)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for each in network.parameters():
            each.copy_(torch.randn(each.shape, generator=generator))
    assert value("zen", network, images, labels) == before


def test_zen_of_a_branch_that_nothing_enters_is_that_of_the_network_without_it():
    """Its BatchNorm divides zeros, which rescales nothing."""

    class Branched(Small):
        def forward(self, x):
            x = self.stem(x)
            return self.classifier(self.stage(x + self.dead(x * 0)).mean((2, 3)))

    network, plain = Branched(), Small()
    network.dead = Block(4, 4, 1)
    generator = torch.Generator()
    found = []
    for each in (network, plain):

        def gauss(shape):  # by the shape, since one network draws more than the other
            return torch.randn(*shape, generator=generator.manual_seed(sum(shape)))

        redrawn = zen._Redrawn(gauss)
        with torch.no_grad(), batch_statistics(each, "frozen"):
            features, scale = redrawn.features(each, gauss((16, 3, 8, 8)))
        found.append((float(features.sum()), scale))
    assert found[0] == pytest.approx(found[1], rel=1e-6)


POOLED = {
    "layer": lambda maps: nn.AdaptiveAvgPool2d(1)(maps).flatten(1),
    "mean": lambda maps: maps.mean((2, 3)),
    "average": lambda maps: F.avg_pool2d(maps, maps.shape[-1]).flatten(1),
    "maximum": lambda maps: maps.amax((2, 3)),
    "convolution behind": lambda maps: F.conv2d(
        F.adaptive_avg_pool2d(maps, 1), torch.ones(7, maps.shape[1], 1, 1)
    ).flatten(1),
    "none": lambda maps: maps.flatten(1),
}
MAPS = {
    "convolution": lambda x: F.conv2d(x, torch.ones(4, 3, 3, 3)),
    "norm": lambda x: F.batch_norm(x, None, None, training=True),
    "sum": lambda x: x + x.flip(0),
    "channels weighed": lambda x: x * F.adaptive_avg_pool2d(x, 1).sigmoid(),
    "one pixel": lambda x: F.conv2d(x, torch.ones(3, 3, 8, 8)).relu(),
    "one pixel, channels weighed": lambda x: F.conv2d(
        x * F.adaptive_avg_pool2d(x, 1), torch.ones(3, 3, 8, 8)
    ).relu(),
}


@pytest.mark.parametrize(
    ("maps", "pool"),
    [
        (maps, pool)
        for maps in MAPS
        for pool in POOLED
        # One pixel isn't pooled, so that a convolution behind it would be a feature map as well.
        if not (maps.startswith("one pixel") and pool == "convolution behind")
    ],
)
def test_feature_maps_end_before_the_global_pooling(maps, pool, images):
    with LastFeatureMap() as recorder:
        last = MAPS[maps](images)
        POOLED[pool](last)
    assert torch.equal(recorder.found, last)


def test_meco_by_the_correlation_of_channels(network, images, labels):
    """Every module that gives a feature map counts: layers, blocks and sequences of blocks."""
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    copied, maps = training(network), []
    for each in copied.modules():
        if not isinstance(each, nn.Linear | Small):
            each.register_forward_hook(lambda m, a, out: maps.append(out[0].flatten(1)))
    with torch.no_grad():
        copied(noise)
    assert len(maps) == 3 * 3 + 1
    expected = sum(
        float(np.linalg.eigvalsh(np.corrcoef(each.numpy().astype(np.float64)))[0]) for each in maps
    )
    assert value("meco", network, images, labels) == pytest.approx(expected, abs=1e-6)


def test_a_constant_channel_is_correlated_with_nothing(images, labels):
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network[0].weight[0] = 0
    assert value("meco", network, images, labels) == 0


def block_maps(network: nn.Module, x: Tensor) -> list[Tensor]:
    copied = training(network)
    ends = [copied.stem(x)]
    for block in copied.stage:
        ends.append(block(ends[-1]))
    return ends


def test_az_expressivity_and_progressivity_by_singular_values(network, images, labels):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    entropies = []
    with torch.no_grad():
        for features in block_maps(network, noise):
            rows = features.permute(0, 2, 3, 1).flatten(0, 2).double().numpy()
            shares = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
            shares /= shares.sum()
            entropies.append(-(shares * np.log(shares + 1e-8)).sum())
    found = value("az_expressivity", network, images, labels)
    assert found == pytest.approx(sum(entropies), rel=1e-4)
    growth = value("az_progressivity", network, images, labels)
    assert growth == pytest.approx(min(np.diff(entropies)), abs=1e-4)


class Scale(nn.Module):
    """A block that multiplies by a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.part = nn.Identity()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x) * self.factor


def through(*blocks: nn.Module) -> nn.Module:
    """Blocks after a stem of four channels, before a classifier."""
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 8))
    return nn.Sequential(nn.Conv2d(3, 4, 1), *blocks, Whole(pooled))


class Whole(nn.Module):
    """One block, whatever is inside."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        return self.inside(x)


def az_trainability(*blocks: nn.Module) -> float:
    return az_nas.az_trainability(through(*blocks), torch.zeros(64, 3, 16, 16), torch.zeros(64))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_az_trainability_of_a_block_that_passes_gradients_on_by_a_factor(factor):
    # Random signs of different channels are uncorrelated: σ is the factor, nearly.
    assert az_trainability(Scale(factor)) == pytest.approx(2 - factor - 1 / factor, abs=0.03)


def test_az_trainability_of_a_block_of_stride_takes_pixels_for_channels():
    """Every gradient goes back to four pixels by a quarter: σ² is 4 · 1/16, nearly."""
    assert az_trainability(nn.AvgPool2d(2)) == pytest.approx(2 - 0.5 - 2, abs=0.05)


def test_az_trainability_of_an_odd_number_of_pixels():
    assert math.isfinite(az_trainability(nn.Conv2d(4, 4, 2, stride=3)))


def test_az_trainability_of_blocks_that_compute_nothing_or_pass_nothing():
    assert az_trainability(nn.Conv2d(4, 4, 1), nn.Identity()) == -math.inf
    assert az_trainability(Scale(0.0)) == pytest.approx(2 - 1e6)


def test_az_nas_refuses_blocks_that_enlarge_feature_maps():
    with pytest.raises(InputError, match="enlarges its feature map, here from 16×16 to 32×32"):
        az_trainability(nn.Upsample(scale_factor=2))


@pytest.mark.parametrize("name", [each for each in NAMES if each.startswith("az_")])
def test_blocks_in_a_list_are_those_of_a_sequence(name, network, images, labels):
    class Listed(Small):
        def __init__(self) -> None:
            super().__init__()
            self.stage = nn.ModuleList(self.stage)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            for block in self.stage:
                x = block(x)
            return self.classifier(x.mean((2, 3)))

    listed = Listed()
    listed.load_state_dict(network.state_dict())
    assert value(name, listed, images, labels) == value(name, network, images, labels)


@pytest.mark.parametrize("name", ["zen", "meco", "az_expressivity", "az_trainability"])
def test_what_is_drawn_at_random_follows_from_the_seed(name, network, images, labels):
    compute = get_indicator(name).compute
    first = compute(network, images, labels, seed=1)
    torch.manual_seed(5)
    assert compute(network, images, labels, seed=1) == first
    assert compute(network, images, labels, seed=2) != first


def in_place(network: nn.Module) -> nn.Module:
    """The same computation, with activations that work in place."""

    class InPlace(Block):
        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.bn(self.conv(x)), inplace=True)

    for module in network.modules():
        if isinstance(module, Block):
            module.__class__ = InPlace
    return network


def weight_normed(network: nn.Module) -> nn.Module:
    """The same weights, computed from a length and a direction."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight_norm(module)
    return network


def partly_frozen(network: nn.Module) -> nn.Module:
    """The same weights, some of which aren't to be trained."""
    network.stem.requires_grad_(False)
    return network


@pytest.mark.parametrize("otherwise", [in_place, weight_normed, partly_frozen])
@pytest.mark.parametrize("name", NAMES)
def test_how_a_network_is_written_is_of_no_matter(name, otherwise, network, images, labels):
    expected = value(name, copy.deepcopy(network), images, labels)
    found = value(name, otherwise(network), images, labels)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", [each for each in NAMES if each not in NO_NUMBERS_NEEDED])
def test_weights_that_are_not_numbers_give_none(name, network, images, labels):
    with torch.no_grad():
        network.stage[0].conv.weight[0, 0, 0, 0] = torch.nan
    assert math.isnan(value(name, network, images, labels))


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
    expected = WITHOUT_A_PATH.get(name)
    found = value(name, network, images, torch.arange(8))
    assert isinstance(found, float) if expected is None else repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("naswot", "has no ReLU"),
        ("swap", "has no ReLU"),
        ("snip", "no convolution and no linear"),
        ("grasp", "no convolution and no linear"),
        ("fisher", "no convolution and no linear"),
        ("zico", "no convolution and no linear"),
        ("synflow", "no convolution and no linear"),
        ("meco", "no feature map"),
        ("az_expressivity", "has 0 blocks"),
    ],
)
def test_what_a_score_is_not_defined_for_is_said(name, message):
    network = nn.Flatten()
    with pytest.raises(InputError, match=message):
        value(name, network, torch.randn(4, 3, 2, 2), torch.arange(4))


def test_zen_is_not_defined_without_feature_maps():
    network = nn.Linear(5, 4)
    with pytest.raises(InputError, match="no feature map"):
        value("zen", network, torch.randn(4, 5), torch.arange(4))


def test_meco_is_not_defined_for_networks_of_one_image_size():
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(8, 4))
    with pytest.raises(InputError, match="an image of 64×64, which Sequential can't take"):
        value("meco", network, torch.randn(4, 3, 2, 2), torch.arange(4))


@pytest.mark.parametrize("name", ["snip", "grasp", "fisher", "grad_norm", "zico"])
def test_labels_beyond_the_classes_of_the_network_are_said(name, network, images, labels):
    with pytest.raises(InputError, match="labels go up to 6, but Small tells only 5 classes apart"):
        value(name, network, images, labels.clone().fill_(6))


@pytest.mark.parametrize(("name", "message"), [("jacob_cov", "give two or more"),
                                               ("zico", "got 1 images")])  # fmt: skip
def test_scores_that_compare_images_need_several(name, message, network, images, labels):
    with pytest.raises(InputError, match=message):
        value(name, network, images[:1], labels[:1])
