"""The kernel of a network: which one, of which weights, and that the network stays as it was."""

from __future__ import annotations

import pytest
import torch
from networks import Function, cnn, images, mixed_training, randomise, state_of
from torch import nn

from tegnas import InputError, ntk
from tegnas.reference.ntk import ntk as reference_ntk
from tegnas.scoring.module_kernels import searched_weights

MODES = ("frozen", "coupled")

pytestmark = pytest.mark.filterwarnings("ignore::tegnas.kernel.EngineWarning")


@pytest.mark.parametrize("mode", MODES)
def test_kernels_are_those_of_one_backward_pass_per_image(mode):
    network, x, other = randomise(cnn()), images(6, 3, 8, 7), images(4, 3, 8, 7, seed=1)
    kernel, cross = ntk(network, x, batch_norm=mode), ntk(network, x, other, batch_norm=mode)
    assert (kernel.shape, cross.shape) == ((6, 6), (6, 4))
    assert kernel.dtype == cross.dtype == torch.float64
    torch.testing.assert_close(
        kernel, reference_ntk(network, x, batch_norm=mode), rtol=1e-12, atol=0
    )
    torch.testing.assert_close(
        cross, reference_ntk(network, x, other, batch_norm=mode), rtol=1e-10, atol=1e-12
    )


def test_the_two_meanings_differ_and_frozen_is_the_default():
    network, x = randomise(cnn()), images(6, 3, 8, 8)
    assert torch.equal(ntk(network, x), ntk(network, x, batch_norm="frozen"))
    assert not torch.allclose(ntk(network, x), ntk(network, x, batch_norm="coupled"), rtol=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_trace_is_the_sum_of_the_kernels_of_the_logits(mode):
    network, x = randomise(cnn()), images(4, 3, 8, 8)
    columns = [nn.Sequential(network, Function(lambda y, k=k: y[:, k : k + 1])) for k in range(3)]
    for other in (None, images(3, 3, 8, 8, seed=1)):
        expected = sum(reference_ntk(each, x, other, batch_norm=mode) for each in columns)
        found = ntk(network, x, other, batch_norm=mode, outputs="trace")
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_params_choose_the_weights(mode):
    network, x = randomise(cnn()), images(4, 3, 8, 8)
    network.searched_prefixes = ("body",)
    for params, select in (
        ("all", lambda name: True),
        ("searched", lambda name: name.startswith("body")),
        (lambda name: "bn" in name, lambda name: "bn" in name),
    ):
        found = ntk(network, x, batch_norm=mode, params=params)
        expected = reference_ntk(network, x, batch_norm=mode, select=select)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_float32_is_close_to_float64(mode):
    network, x = randomise(cnn()), images(6, 3, 8, 8)
    exact = ntk(network, x, batch_norm=mode)
    rounded = ntk(network.float(), x.float(), batch_norm=mode)
    assert rounded.dtype == torch.float64
    torch.testing.assert_close(rounded, exact, rtol=1e-4, atol=1e-5 * exact.max().item())


def test_the_result_is_the_same_every_time_symmetric_and_positive():
    network, x = randomise(cnn()).float(), images(6, 3, 8, 8).float()
    kernel = ntk(network, x)
    assert torch.equal(kernel, ntk(network, x))
    torch.testing.assert_close(kernel, kernel.T, rtol=1e-12, atol=0)
    assert torch.linalg.eigvalsh(kernel).min() > -1e-9 * kernel.max()


@pytest.mark.parametrize("mode", MODES)
def test_a_single_image_is_enough(mode):
    kernel = ntk(randomise(cnn()), images(1, 3, 8, 8), batch_norm=mode)
    assert kernel.shape == (1, 1) and kernel.item() > 0


def test_frozen_statistics_of_a_single_image_are_the_image():
    network = randomise(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)))
    x = images(1, 4)
    torch.testing.assert_close(ntk(network, x), reference_ntk(network, x, batch_norm="frozen"))


# The network is left as it was


@pytest.mark.parametrize("mode", MODES)
def test_the_network_is_unchanged_and_dropout_is_off(mode):
    network, x = randomise(mixed_training()), images(5, 3, 8, 8)
    before = state_of(network)
    first = ntk(network, x, batch_norm=mode)
    assert state_of(network) == before
    assert torch.equal(first, ntk(network, x, batch_norm=mode))
    assert x.grad is None and not x.requires_grad


@pytest.mark.parametrize("mode", MODES)
def test_the_network_is_unchanged_when_it_fails(mode):
    network = randomise(mixed_training())
    network.append(Function(lambda x: x @ x))  # fails late, with every hook in place
    before = state_of(network)
    with pytest.raises(RuntimeError):
        ntk(network, images(5, 3, 8, 8), batch_norm=mode)
    assert state_of(network) == before


@pytest.mark.parametrize("mode", MODES)
def test_parameters_that_need_no_gradient_count_all_the_same(mode):
    network, x = randomise(cnn()), images(5, 3, 8, 8)
    expected = ntk(network, x, batch_norm=mode)
    network.requires_grad_(False)
    torch.testing.assert_close(ntk(network, x, batch_norm=mode), expected)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_no_grad_around_the_call_makes_no_difference():
    network, x = randomise(cnn()), images(5, 3, 8, 8)
    expected = ntk(network, x)
    with torch.no_grad():
        assert torch.equal(ntk(network, x), expected)


# Errors

IMAGES = torch.zeros(4, 3, 8, 8)


def test_the_former_name_of_searched_prefixes_is_refused_with_the_new_one():
    network = cnn().double()
    network.cell_prefixes = ("body",)
    with pytest.raises(InputError, match="cell_prefixes, which is called searched_prefixes now"):
        ntk(network, images(4, 3, 8, 8), params="searched")
    with pytest.raises(InputError, match="cell_prefixes, which is called searched_prefixes now"):
        searched_weights(network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_norm": "running"}, "unknown batch_norm 'running'; choose one of frozen, coupled"),
        ({"outputs": "max"}, "unknown outputs 'max'; choose one of sum, trace"),
        ({"params": "stem"}, 'unknown params \'stem\'; use "all", "searched" or a function'),
        (
            {"params": "searched"},
            "doesn't say which of its parameters are searched; set its attribute",
        ),
        ({"params": lambda name: False}, "has no parameter that params chooses to derive by"),
        ({"images": IMAGES.byte()}, r"whole numbers \(ids\), got torch.uint8"),
        ({"images": [[1.0]]}, "floating-point or whole numbers, got list"),
        ({"images": IMAGES}, "images are torch.float32 but the network is torch.float64"),
        ({"images": IMAGES.half()}, r"whole numbers \(ids\), got torch.float16"),
        ({"images": IMAGES[:0].double()}, r"must be a batch .*\(0, 3, 8, 8\)"),
        ({"images": torch.zeros(4).double()}, r"must be a batch .*\(4,\)"),
        ({"other": IMAGES}, "images are torch.float32 but the network is torch.float64"),
        (
            {"network": nn.Conv2d(3, 2, 3).double()},
            r"must give logits of shape \(4, classes\), it gave \(4, 2, 6, 6\)",
        ),
        ({"network": Function(lambda x, layer: {}, nn.Linear(1, 1).double())}, "gave dict"),
        ({"network": nn.ReLU()}, "ReLU has no parameter to derive by: all but biases count"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_one_sentence(change, message):
    arguments = {"network": cnn().double(), "images": images(4, 3, 8, 8)} | change
    with pytest.raises(InputError, match=message) as caught:
        ntk(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torch_script_is_refused():
    network = torch.jit.trace(cnn().double().eval(), images(2, 3, 8, 8))
    with pytest.raises(InputError, match="TorchScript.*pass the Python module"):
        ntk(network, images(4, 3, 8, 8))
