"""The 12 NAS-Bench-201 networks with the values that the paper's released code gives for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from devices import every_device, on_cuda
from torch import Tensor, nn

from tegnas import count_regions, get_space, ops
from tegnas.kernel.gradients import gram, jacobians
from tegnas.kernel.native_kernels import native_kernels
from tegnas.kernel.ntk import chosen_weights
from tegnas.kernel.targets import centred_targets
from tegnas.spaces.nasbench201 import OPERATIONS, NasBench201Architecture

SPACE = get_space("nas-bench-201")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)
ARCHITECTURES = range(12)


@pytest.fixture(scope="module")
def reference(shared_data) -> dict[str, np.ndarray]:
    with np.load(shared_data / "tegnas_reference_nb201.npz") as file:
        return dict(file)


@dataclass(frozen=True)
class Images:
    """The batches of the reference, float64, with the targets of the regression."""

    train: Tensor
    val: Tensor
    targets: Tensor
    val_targets: Tensor

    def to(self, device: str) -> Images:
        return Images(*(each.to(device) for each in vars(self).values()))


@pytest.fixture(scope="module")
def images(shared_data, reference) -> Images:
    rows = reference["image_index"]
    with np.load(shared_data / "cifar10_dev500.npz") as file:
        pixels, labels = file["x"][rows], torch.from_numpy(file["y"][rows])
    # Normalised in float32, as the released code does.
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    images = (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    train, val = images.double().split(64)
    return Images(train, val, *(centred_targets(each, 10) for each in labels.split(64)))


def network(reference: dict[str, np.ndarray], index: int, kind: str) -> nn.Module:
    """The network with the weights of the reference."""
    prefix = f"{index}/{'net' if kind == 'proxy' else 'thin'}/"
    state = {
        name.removeprefix(prefix): torch.from_numpy(value)
        for name, value in reference.items()
        if name.startswith(prefix)
    }
    codes = reference["archs"][index]
    made = SPACE.network(NasBench201Architecture(tuple(OPERATIONS[code] for code in codes)), kind)
    missing, unexpected = made.load_state_dict(state, strict=False)
    assert not unexpected
    # Running statistics are all that the reference lacks.
    assert all(name.split(".")[-1].startswith(("running", "num_batches")) for name in missing)
    return made


def error(found: Tensor, expected: np.ndarray) -> float:
    """The largest deviation, relative to the largest entry."""
    return float((found.cpu() - torch.from_numpy(expected)).abs().max() / np.abs(expected).max())


def native(net: nn.Module, images: Images) -> tuple[Tensor, Tensor, Tensor]:
    """Kernel of all weights, of the cells, and between validation and training images."""
    cells = set(chosen_weights(net, "searched"))
    return native_kernels(
        net, images.train, images.val, is_searched=cells.__contains__, batch_norm="coupled"
    )


def backward_passes(net: nn.Module, images: Images) -> tuple[Tensor, Tensor, Tensor]:
    """The same by PyTorch, with one Jacobian per batch for all three."""
    every, cells = chosen_weights(net, "all"), chosen_weights(net, "searched")
    (train,) = jacobians(net, images.train, every, batch_norm="coupled")
    (val,) = jacobians(net, images.val, cells, batch_norm="coupled")
    return gram(train), gram(train.select(cells)), gram(val, train.select(cells))


@pytest.mark.parametrize(
    ("device", "kernels", "index"),
    # Backward passes take seconds for each, the engine a fraction of one.
    [("cpu", native, index) for index in ARCHITECTURES]
    + [("cpu", backward_passes, index) for index in (4, 9)]
    + [pytest.param("cuda", native, index, marks=on_cuda) for index in ARCHITECTURES]
    + [pytest.param("cuda", backward_passes, 4, marks=on_cuda)],
)
def test_coupled_kernels_kappa_and_mse(reference, images, device, kernels, index):
    images = images.to(device)
    net = network(reference, index, "proxy").double().to(device)
    kernel, kernel_cells, cross = kernels(net, images)
    assert error(kernel, reference[f"{index}/ntk"]) < 1e-6
    assert error(kernel_cells, reference[f"{index}/ntk_cell"]) < 1e-6
    assert error(cross, reference[f"{index}/ntk_cell_val_train"]) < 1e-6
    # The reference computes in float32 throughout.
    _, _, kappa = ops.eig_condition(kernel)
    assert kappa.item() == pytest.approx(float(reference[f"{index}/kappa"]), rel=1e-3)
    mse = ops.kernel_regression_error(
        kernel_cells[None], cross[None], images.targets, images.val_targets
    )
    assert mse.item() == pytest.approx(float(reference[f"{index}/mse"]), rel=1e-4)


@every_device
@pytest.mark.parametrize("index", ARCHITECTURES)
def test_regions(reference, index, device):
    inputs = [torch.from_numpy(reference[f"region_input{part}"]).to(device) for part in range(3)]
    counted = count_regions(network(reference, index, "thin").to(device), inputs)
    assert counted == round(float(reference[f"{index}/regions"]))
