"""Networks of DARTS: against the reference values, and the published sizes."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from paper import paper_settings
from torch import Tensor, nn

import tegnas
from tegnas import Batch, InputError, get_space, ops
from tegnas.engine.program import ParameterLayout
from tegnas.kernel.targets import centred_targets
from tegnas.networks.complexity import count_parameters
from tegnas.networks.darts import drop_images
from tegnas.networks.darts_operations import FactorizedReduction, make_operation
from tegnas.reference.ntk import ntk as reference_ntk
from tegnas.spaces.darts_architecture import NONE, OPERATIONS

SPACE = get_space("darts")
ROWS = 4  # of the kernels checked row by row: each costs a backward pass over all images


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Layers of one channel are too small to share: more threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def reference(shared_data):
    return np.load(shared_data / "tegnas_reference_darts.npz")


@pytest.fixture(scope="module")
def images(shared_data, reference) -> Tensor:
    rows = np.load(shared_data / "cifar10_dev500.npz")["x"][reference["image_index"]]
    mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(3, 1, 1)
    std = torch.tensor([0.247, 0.2435, 0.2616]).view(3, 1, 1)
    pixels = torch.from_numpy(rows).permute(0, 3, 1, 2).float()
    return ((pixels / 255 - mean) / std).double()


@pytest.fixture(scope="module")
def labels(shared_data, reference) -> Tensor:
    labels = np.load(shared_data / "cifar10_dev500.npz")["y"]
    return torch.from_numpy(labels[reference["image_index"]])


def reference_network(reference, index: int, kind: str) -> nn.Module:
    """The network of one architecture with the reference's weights, every name accounted for."""
    network = SPACE.network(SPACE.parse(str(reference["genotypes"][index])), kind)
    prefix = f"{index}/{'net' if kind == 'proxy' else kind}/"
    weights = {
        key.removeprefix(prefix): torch.from_numpy(reference[key])
        for key in reference.files
        if key.startswith(prefix)
    }
    assert {name: value.shape for name, value in network.named_parameters()} == {
        name: value.shape for name, value in weights.items()
    }
    network.load_state_dict(weights, strict=False)
    return network


class FirstRows(nn.Module):
    """The network, but only the logits of the first images of the batch."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[:ROWS]


def is_searched(name: str) -> bool:
    return "cell" in name


def assert_close(found: Tensor, expected: np.ndarray) -> None:
    error = np.abs(found.detach().numpy() - expected).max()
    assert error <= 1e-6 * np.abs(expected).max()


# Reference values


@pytest.mark.parametrize("index", range(4))
def test_regions_equal_the_reference(reference, index):
    inputs = [torch.from_numpy(reference[f"region_input{batch}"]) for batch in range(3)]
    network = reference_network(reference, index, "thin")
    assert network.region_input_shape == inputs[0].shape[1:]
    assert tegnas.count_regions(network, inputs) == reference[f"{index}/regions"]


@pytest.mark.parametrize("index", range(4))
def test_rows_of_the_coupled_kernels_equal_the_reference(reference, images, index):
    # Through batch statistics the rows of a few images depend on all of them.
    network = FirstRows(reference_network(reference, index, "proxy").double())
    train, val = images[:64], images[64:]
    expected = {name: reference[f"{index}/{name}"][:ROWS, :ROWS] for name in ("ntk", "ntk_cell")}
    cross = reference[f"{index}/ntk_cell_val_train"][:ROWS, :ROWS]
    assert_close(reference_ntk(network, train), expected["ntk"])
    assert_close(reference_ntk(network, train, select=is_searched), expected["ntk_cell"])
    assert_close(reference_ntk(network, val, train, select=is_searched), cross)


@pytest.mark.slow
def test_a_whole_coupled_kernel_by_backward_passes(reference, images):
    network = reference_network(reference, 1, "proxy").double()
    kernel = tegnas.ntk(network, images[:64], batch_norm="coupled", engine="torch")
    assert_close(kernel, reference["1/ntk"])


@pytest.mark.parametrize("index", range(4))
def test_whole_coupled_kernels_by_the_engine(reference, images, labels, index):
    weights = dict(reference_network(reference, index, "proxy").named_parameters())
    layout = ParameterLayout()
    program = SPACE.program(
        SPACE.parse(str(reference["genotypes"][index])),
        "proxy",
        num_classes=10,
        image_shape=(3, 32, 32),
        layout=layout,
    )
    vector = torch.cat([weights[name].detach().reshape(-1) for name, _, _ in layout.entries()])
    first = torch.tensor([0])
    jobs = ops.EngineJobs([program.encode(len(vector))], first, vector.double(), first)
    train, val = images[:64].contiguous(), images[64:].contiguous()
    kernel, in_cells_only, cross, _ = ops.engine_ntk(jobs, train, val, batch_norm="coupled")
    assert_close(kernel[0], reference[f"{index}/ntk"])
    assert_close(in_cells_only[0], reference[f"{index}/ntk_cell"])
    assert_close(cross[0], reference[f"{index}/ntk_cell_val_train"])
    # The reference computes in float32 throughout.
    _, _, kappa = ops.eig_condition(kernel)
    assert kappa.item() == pytest.approx(float(reference[f"{index}/kappa"]), rel=2e-3)
    targets, val_targets = (centred_targets(each, 10) for each in (labels[:64], labels[64:]))
    mse = ops.kernel_regression_error(in_cells_only, cross, targets, val_targets)
    assert mse.item() == pytest.approx(float(reference[f"{index}/mse"]), rel=1e-3)


@pytest.mark.parametrize("index", [0, 3])
def test_the_frozen_kernel_equals_autograd(reference, images, index):
    network = reference_network(reference, index, "proxy").double()
    kernel = tegnas.ntk(network, images[64:], params="searched")[:ROWS, :ROWS]
    expected = reference_ntk(
        FirstRows(network), images[64:], batch_norm="frozen", select=is_searched
    )
    assert_close(kernel, expected.numpy())


# Operations


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("name", [NONE, *OPERATIONS])
def test_every_operation_brings_a_side_to_its_half_rounded_up(name, side):
    x = torch.randn(2, 4, side, side + 1)
    kept, halved = (make_operation(name, 4, stride).eval()(x) for stride in (1, 2))
    assert kept.shape == x.shape
    assert halved.shape == (2, 4, (side + 1) // 2, side // 2 + 1)


def test_none_is_zero_and_lets_gradients_through():
    x = torch.randn(1, 2, 5, 5, requires_grad=True)
    for stride in (1, 2):
        y = make_operation(NONE, 2, stride)(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        assert not y.any() and not gradient.any()


def test_a_factorized_reduction_reads_even_and_odd_pixels():
    reduction = FactorizedReduction(1, 3)
    reduction.bn = nn.Identity()
    for parameter in reduction.parameters():
        nn.init.ones_(parameter)
    x = torch.arange(1.0, 17.0).view(1, 1, 4, 4)
    even, odd, other_odd = reduction(x)[0]
    assert even.tolist() == [[1, 3], [9, 11]]
    assert odd.tolist() == other_odd.tolist() == [[6, 8], [14, 16]]
    # An odd side: beyond the border there are zeros.
    _, odd, _ = reduction(x[:, :, :3, :3])[0]
    assert odd.tolist() == [[6, 0], [0, 0]]


# The networks that are trained


def test_parameters_of_the_published_architecture_are_the_published_ones():
    arch = SPACE.parse(
        "normal sep_conv_3x3~0 sep_conv_3x3~1 sep_conv_3x3~0 sep_conv_3x3~1 skip_connect~0 "
        "sep_conv_3x3~1 skip_connect~0 dil_conv_3x3~2 reduce max_pool_3x3~0 max_pool_3x3~1 "
        "max_pool_3x3~1 skip_connect~2 max_pool_3x3~0 skip_connect~2 max_pool_3x3~1 "
        "skip_connect~2"
    )
    # Millions, as published (arXiv 1806.09055, tables 1 and 3), auxiliary classifier left out.
    for network, millions in (
        (SPACE.network(arch, "full"), 3.3),
        (SPACE.imagenet_network(arch), 4.7),
    ):
        extra = count_parameters(network.auxiliary)
        assert round((count_parameters(network) - extra) / 1e6, 1) == millions


@pytest.mark.parametrize(("make", "side", "classes"), [("network", 32, 10), ("imagenet", 224, 5)])
def test_trained_networks_have_a_second_classifier_in_training(make, side, classes):
    arch = SPACE.sample(random.Random(0))
    if make == "network":
        network = SPACE.network(arch, "full", num_classes=classes)
    else:
        network = SPACE.imagenet_network(arch, num_classes=classes)
    images = torch.randn(2, 3, side, side)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, classes)
    with torch.no_grad():
        assert network.eval()(images).shape == (2, classes)


def test_paths_are_dropped_by_image_in_training_only():
    arch = SPACE.sample(random.Random(0))
    network = SPACE.network(arch, "full").train()
    cell = network.get_submodule("cell0")
    x = torch.randn(4, 108, 8, 8)
    with torch.no_grad():
        torch.manual_seed(0)
        assert torch.equal(cell(x, x, 0.0), cell(x, x, 0.0))
        assert not torch.equal(cell(x, x, 0.5), cell(x, x, 0.5))
        cell.eval()
        assert torch.equal(cell(x, x, 0.5), cell(x, x, 0.5))
        dropped = drop_images(torch.ones(1000, 2, 3, 3), 0.2)
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert torch.equal(dropped, dropped[:, :1, :1, :1].expand_as(dropped))
    assert dropped.mean() == pytest.approx(1.0, abs=0.05)


def test_weights_come_from_the_seed_alone():
    arch = SPACE.sample(random.Random(0))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = SPACE.network(arch, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    again, other = (SPACE.network(arch, seed=seed).state_dict() for seed in (3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.conv.weight"], other["stem.conv.weight"])
    with pytest.raises(InputError, match="unknown kind of network 'tiny'; choose one of proxy"):
        SPACE.network(arch, "tiny")


# Scores


@pytest.fixture(scope="module")
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(16, 3, 8, 8, generator=generator)
    labels = torch.arange(16) % 3
    return Batch(images[:8], labels[:8], images[8:], labels[8:], 3, "noise")


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_a_cut_architecture_scores_worst(batch, engine):
    whole = "skip_connect~0 none~1 skip_connect~0 none~1 skip_connect~0 none~1 none~0 none~1"
    cut = whole.replace("skip_connect", "none")
    scores = tegnas.score(
        [f"normal {whole} reduce {each}" for each in (cut, whole)],
        batch,
        space=SPACE,
        settings=paper_settings(engine=engine, region_samples=100),
    )
    assert scores.kappa[0] == scores.mse[0] == float("inf")
    assert torch.isfinite(scores.kappa[1])


def test_engines_agree(batch):
    rng = random.Random(0)
    archs = [SPACE.sample(rng), SPACE.sample(rng), SPACE.supernet()]
    native, torch_ = (
        tegnas.score(
            archs,
            batch,
            space=SPACE,
            settings=paper_settings(repeats=1, region_samples=200, engine=engine),
        )
        for engine in ("native", "torch")
    )
    torch.testing.assert_close(native.kappa, torch_.kappa, rtol=1e-3, atol=0)
    torch.testing.assert_close(native.mse, torch_.mse, rtol=1e-3, atol=0)
    assert (native.regions - torch_.regions).abs().max() <= 1  # float32 may flip a sign at zero
