"""What people's own networks do besides: exact, or refused in one sentence."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import pytest
import torch
from networks import Function, Logits, images, randomise
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tegnas import InputError, ntk, ops
from tegnas.kernel import ConstantSumWarning
from tegnas.reference.ntk import ntk as reference_ntk

N = 5
MODES = ("frozen", "coupled")

pytestmark = [
    pytest.mark.filterwarnings("ignore::tegnas.kernel.EngineWarning"),
    pytest.mark.filterwarnings("ignore::tegnas.kernel.AutogradLayersWarning"),
]


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11 * expected.abs().max())


def perceptron() -> nn.Sequential:
    layers = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)
    return randomise(nn.Sequential(*layers))


# Checkpoints


class Checkpointed(nn.Module):
    def __init__(self, *, reentrant: bool, first: bool = False) -> None:
        super().__init__()
        self.layers = perceptron()
        self.reentrant, self.first = reentrant, first

    def forward(self, x: Tensor) -> Tensor:
        start = 0 if self.first else 1
        x = self.layers[:start](x)
        x = checkpoint(self.layers[start:3], x, use_reentrant=self.reentrant)
        return self.layers[3](x)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_checkpoints_that_autograd_sees_are_exact(mode, first):
    network, x, other = (
        Checkpointed(reentrant=False, first=first),
        images(N, 4),
        images(3, 4, seed=1),
    )
    for each in (None, other):
        found = ntk(network, x, each, batch_norm=mode, details=True)
        close(found.kernel, reference_ntk(network.layers, x, each, batch_norm=mode))
    assert mode == "coupled" or found.autograd == ()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_reentrant_checkpoints_are_refused(mode, first):
    with pytest.raises(InputError, match="use_reentrant=True, which hides .*use_reentrant=False"):
        ntk(Checkpointed(reentrant=True, first=first), images(N, 4), batch_norm=mode)


class Reversible(torch.autograd.Function):
    """Keeps no graph and runs backward by itself, as reversible networks do."""

    @staticmethod
    def forward(ctx, x, layer):
        ctx.layer = layer
        ctx.save_for_backward(x)
        return layer(x)

    @staticmethod
    def backward(ctx, gradient):
        x = ctx.saved_tensors[0].detach().requires_grad_(True)
        with torch.enable_grad():
            ctx.layer(x).backward(gradient)
        return x.grad, None


def test_a_backward_pass_within_the_backward_pass_is_refused():
    network = perceptron()
    apply = Function(lambda x, layer: Reversible.apply(x, layer), network[:3])
    network = nn.Sequential(nn.Linear(4, 4), apply, network[3]).double()
    network[0].weight.grad = torch.ones(4, 4, dtype=torch.float64)
    with pytest.raises(InputError, match=r"runs backward\(\) inside its own backward pass"):
        ntk(network, images(N, 4))
    assert network[2].weight.grad is None and network[0].weight.grad.eq(1).all()


# Outputs


@dataclass
class ModelOutput:
    logits: Tensor
    features: Tensor


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "wrap",
    [lambda y, x: {"features": x, "logits": y}, lambda y, x: ModelOutput(y, x)],
    ids=["dict", "dataclass"],
)
def test_logits_are_taken_out_of_a_larger_output(wrap, mode):
    network, x = perceptron(), images(N, 4)
    wrapped = Function(lambda x, layers: wrap(layers(x), x), network)
    close(
        ntk(wrapped, x, batch_norm=mode, engine="torch"),
        reference_ntk(network, x, batch_norm=mode),
    )


@pytest.mark.parametrize(
    ("output", "described"),
    [
        (lambda y: (y, y), r"it gave tuple of 2: \(5, 3\), \(5, 3\); wrap it in a module"),
        (lambda y: [y, None], r"it gave list of 2: \(5, 3\), NoneType; wrap"),
        (lambda y: {"out": y, "aux": y}, "it gave dict with out, aux; wrap"),
        (lambda y: y[:, 0], r"shape \(5, classes\), it gave \(5,\); wrap"),
        (lambda y: y[:, :, None], r"it gave \(5, 3, 1\); wrap"),
        (lambda y: y[:4], r"it gave \(4, 3\); wrap"),
        (lambda y: y.argmax(1)[:, None], "must give floating-point logits, it gave torch.int64"),
        (lambda y: None, "it gave NoneType; wrap"),
    ],
)
def test_other_outputs_are_refused_by_what_they_are(output, described):
    with pytest.raises(InputError, match=described) as caught:
        ntk(nn.Sequential(perceptron(), Function(output)), images(N, 4))
    assert "\n" not in str(caught.value)


# Sums of outputs that say nothing


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [1, N])
@pytest.mark.parametrize(
    "last",
    [nn.Softmax(1), Function(lambda y: y - y.mean(1, keepdim=True)), Function(lambda y: y.abs()
     / y.abs().sum(1, keepdim=True))],
    ids=["softmax", "centred", "divided"],
)  # fmt: skip
def test_outputs_of_a_constant_sum_are_told(last, number, mode, dtype):
    network, x = nn.Sequential(perceptron(), last).to(dtype), images(N, 4)[:number].to(dtype)
    with pytest.warns(ConstantSumWarning, match='take outputs="trace"'):
        ntk(network, x, batch_norm=mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConstantSumWarning)
        ntk(network, x, batch_norm=mode, outputs="trace")


@pytest.mark.parametrize(
    "last",
    [nn.Identity(), nn.LogSoftmax(1), nn.Sigmoid(), Function(lambda y: 0 * y + 1), nn.Softmax(0)],
    ids=["none", "log-softmax", "sigmoid", "dead", "softmax of images"],
)
def test_other_last_layers_are_not_taken_for_a_softmax(last):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ntk(nn.Sequential(perceptron(), last), images(N, 4), details=True)


# Numbers


class Autocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = perceptron()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.layers(x).float()


@pytest.mark.parametrize("mode", MODES)
def test_autocast_inside_and_outside_is_off(mode):
    network, x = Autocast().float(), images(N, 4).float()
    expected = ntk(network.layers, x, batch_norm=mode, engine="torch")
    found = [ntk(network, x, batch_norm=mode, engine="torch")]
    with torch.autocast("cpu", torch.bfloat16):
        found.append(ntk(network.layers, x, batch_norm=mode, engine="torch"))
    for each in found:
        torch.testing.assert_close(each, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_inference_mode_around_the_call_makes_no_difference(mode):
    network, x = perceptron(), images(N, 4)
    expected = ntk(network, x, batch_norm=mode)
    with torch.inference_mode():
        assert torch.equal(ntk(network, x.clone(), batch_norm=mode), expected)


def test_parts_in_other_precisions_go_through_autograd():
    half = nn.Linear(4, 4).bfloat16()
    cast = Function(lambda x, layer: layer(x.bfloat16()).float(), half)
    found = ntk(
        nn.Sequential(nn.Linear(4, 4), cast, nn.Linear(4, 3)), images(N, 4).float(), details=True
    )
    assert found.autograd == ("0.weight", "1.layers.0.weight") or found.autograd == (
        "1.layers.0.weight",
    )
    assert found.kernel.isfinite().all()


def test_complex_layers_are_derived_by_both_parts():
    layer = nn.Linear(4, 3, dtype=torch.complex128)
    network = nn.Sequential(
        nn.Linear(4, 4).double(), Function(lambda x, layer: layer(x.to(layer.weight)).abs(), layer)
    )
    x = images(N, 4)
    found = ntk(network, x, details=True)
    parts = {
        name: nn.Parameter(getattr(layer.weight, name).detach().clone())
        for name in ("real", "imag")
    }

    def forward(x: Tensor) -> Tensor:
        weight = torch.complex(parts["real"], parts["imag"])
        return nn.functional.linear(x.to(weight), weight, layer.bias.detach()).abs()

    twin = nn.Sequential(network[0], Function(forward))
    twin.real, twin.imag = parts["real"], parts["imag"]
    close(found.kernel, ntk(twin, x, details=True).kernel)


def quantised() -> nn.Module:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    return torch.ao.quantization.quantize_dynamic(network, {nn.Linear})


def sparse() -> nn.Module:
    network = nn.Sequential(nn.Linear(4, 3))
    network[0].weight = nn.Parameter(network[0].weight.detach().to_sparse())
    return network


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("network", "message"),
    [
        (quantised, r"0 is a quantised Linear, which has no derivative .* before it was quantised"),
        (sparse, r"0.weight is sparse \(torch.sparse_coo\); convert it by to_dense\(\)"),
        (lambda: nn.Linear(4, 3, device="meta"), "weight is on the meta device and has no values"),
        (
            lambda: nn.Linear(4, 3).half(),
            "images are torch.float32 but the network is torch.float16",
        ),
        (lambda: nn.Linear(4, 3).double(), "images are torch.float32 but the network is .*float64"),
    ],
    ids=["quantised", "sparse", "meta", "half", "double"],
)
def test_networks_without_a_derivative_are_refused(network, message, mode):
    with pytest.raises(InputError, match=message) as caught:
        ntk(network(), torch.zeros(N, 4), batch_norm=mode)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(N, 4, device="meta"), "images are on the meta device"),
        (torch.zeros(N, 4).to_sparse(), "images must be a plain dense tensor"),
        (torch.zeros(N, 4).to_sparse_csr(), "images must be a plain dense tensor"),
        (torch.nested.nested_tensor([torch.zeros(4), torch.zeros(4)]), "plain dense tensor"),
        (torch.zeros(N, 4, dtype=torch.complex64), r"whole numbers \(ids\), got torch.complex64"),
        (torch.zeros(N, 0), r"must be a batch .*\(5, 0\)"),
    ],
    ids=["meta", "sparse", "csr", "nested", "complex", "empty"],
)
def test_images_without_values_are_refused(x, message):
    with pytest.raises(InputError, match=message) as caught:
        ntk(nn.Linear(4, 3), x)
    assert "\n" not in str(caught.value)


def test_float_modules_beside_quantised_ones_are_fine():
    network = Function(lambda x, layers: layers(x), perceptron())
    network.sum = torch.ao.nn.quantized.FloatFunctional()
    assert ntk(network, images(N, 4)).shape == (N, N)


def test_a_healthy_kernel_of_a_network_with_logits_has_a_condition():
    condition = ops.eig_condition(
        ntk(nn.Sequential(perceptron(), Logits()), images(N, 4))
    ).condition
    assert 1 < condition.item() < float("inf")
