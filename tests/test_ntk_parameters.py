"""Which parameters count, however a layer calls and keeps them."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
import torch.nn.utils.parametrizations as parametrizations
import torch.nn.utils.prune as prune
from networks import Function, Logits, cnn, images, randomise
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tegnas import KernelDetails, ntk
from tegnas.kernel import LeftOutWarning
from tegnas.parameters import counted_parameters, is_bias

N = 5


def by_hand(network: nn.Module, x: Tensor, names: tuple[str, ...]) -> Tensor:
    """The kernel by the named parameters, one backward pass per image."""
    parameters = [network.get_parameter(name) for name in names]
    rows = []
    for scalar in network(x).sum(1):
        gradients = torch.autograd.grad(scalar, parameters, retain_graph=True)
        rows.append(
            torch.cat(
                [
                    torch.view_as_real(g).flatten() if g.is_complex() else g.flatten()
                    for g in gradients
                ]
            )
        )
    return torch.stack(rows) @ torch.stack(rows).T


def details(network: nn.Module, x: Tensor) -> KernelDetails:
    found = ntk(network, x, details=True)
    assert isinstance(found, KernelDetails)
    return found


def every(found: KernelDetails) -> set[str]:
    return {*found.native, *found.autograd}


def convolutions() -> nn.Module:
    layers = nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 4, 3)
    return randomise(nn.Sequential(*layers, nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda layer: prune.l1_unstructured(layer, "weight", 0.0), ("weight_orig",)),
        (lambda layer: prune.random_unstructured(layer, "weight", 0.4), ("weight_orig",)),
        (lambda layer: prune.identity(layer, "bias"), ("weight",)),
        (nn.utils.weight_norm, ("weight_g", "weight_v")),
        (
            parametrizations.weight_norm,
            ("parametrizations.weight.original0", "parametrizations.weight.original1"),
        ),
        (nn.utils.spectral_norm, ("weight_orig",)),
        (parametrizations.spectral_norm, ("parametrizations.weight.original",)),
        (lambda layer: parametrizations.weight_norm(layer, "bias", None), ("weight",)),
    ],
    ids=[
        "prune",
        "prune some",
        "prune bias",
        "weight_norm, old",
        "weight_norm",
        "spectral_norm, old",
        "spectral_norm",
        "weight_norm of bias",
    ],
)
def test_parametrised_layers_count_in_full(change, names):
    network, x = convolutions(), images(N, 3, 6, 6)
    change(network[2])
    network.eval()
    expected = {"0.weight", "5.weight", *(f"2.{name}" for name in names)}
    found = details(network, x)
    assert every(found) == expected
    assert all(is_bias(name) for name in found.left_out)
    network(x)  # layers with hooks compute their weight anew
    torch.testing.assert_close(found.kernel, by_hand(network, x, tuple(expected)))


def test_a_pruned_layer_that_lost_nothing_has_the_kernel_of_before():
    network, x = convolutions(), images(N, 3, 6, 6)
    expected = ntk(network, x)
    prune.l1_unstructured(network[2], "weight", 0.0)
    torch.testing.assert_close(details(network, x).kernel, expected)


class Gammas(nn.Module):
    """Scales, shifts and tokens by names of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 4))
        self.pos_embed = nn.Parameter(torch.zeros(1, 6, 4))
        self.gamma = nn.Parameter(torch.ones(4))
        self.logit_scale = nn.Parameter(torch.ones(()))
        self.relative_position_bias_table = nn.Parameter(torch.zeros(6, 6))
        self.attention_biases = nn.Parameter(torch.zeros(1, 6))
        self.q_bias = nn.Parameter(torch.zeros(4))
        self.spectrum = nn.Parameter(torch.ones(4, dtype=torch.complex128))
        self.steps = nn.Parameter(torch.arange(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        scores = x @ (x + self.q_bias).mT + self.relative_position_bias_table
        x = (scores + self.attention_biases).softmax(2) @ x * self.gamma
        x = torch.fft.ifft(torch.fft.fft(x, dim=2) * self.spectrum, dim=2).real
        return torch.sin(x[:, 0] * self.logit_scale * self.steps)


def test_all_but_biases_count_whatever_they_are_called():
    network = Gammas()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.is_floating_point():
                parameter.copy_(0.3 * torch.randn_like(parameter) + 1)
    x = images(N, 5, 4)
    network.double()
    names = counted_parameters(network)
    found = details(network, x)
    assert set(found.left_out) == {"q_bias", "steps"}
    assert every(found) == set(names)
    torch.testing.assert_close(found.kernel, by_hand(network, x, tuple(names)))


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_recurrent_layers_count_their_matrices(kind):
    layer = kind(4, 6, num_layers=2, bidirectional=True, batch_first=True)
    pool = Function(lambda x, layer: layer(x)[0][:, -1], layer)
    network, x = randomise(nn.Sequential(pool, nn.Linear(12, 3))), images(N, 7, 4)
    names = [name for name, _ in network.named_parameters() if "bias" not in name]
    found = details(network, x)
    assert every(found) == set(names) and len(names) == 9
    torch.testing.assert_close(found.kernel, by_hand(network, x, tuple(names)))


def test_attention_counts_its_matrices_and_learned_tokens():
    attention = nn.MultiheadAttention(8, 2, kdim=8, vdim=8, batch_first=True, add_bias_kv=True)
    attend = Function(lambda x, layer: layer(x, x, x)[0], attention)
    network = randomise(nn.Sequential(nn.Linear(5, 8), attend, Logits()))
    names = [f"1.layers.0.{name}" for name in ("in_proj_weight", "bias_k", "bias_v")]
    found = details(network, images(N, 4, 5))
    assert every(found) == {"0.weight", *names, "1.layers.0.out_proj.weight"}
    torch.testing.assert_close(
        found.kernel, by_hand(network, images(N, 4, 5), tuple(sorted(every(found))))
    )


def test_words_count_where_images_hold_their_numbers():
    embed = Function(lambda x, layer: layer(x.long()).flatten(1), nn.Embedding(9, 4))
    network = randomise(nn.Sequential(embed, nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 3)))
    x = torch.randint(9, (N, 3), generator=torch.Generator().manual_seed(0)).double()
    found = details(network, x)
    names = ("0.layers.0.weight", "1.weight", "3.weight")
    assert {"1.weight", "3.weight"} <= set(found.native) and every(found) == set(names)
    torch.testing.assert_close(found.kernel, by_hand(network, x, names))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bias", True),
        ("layer.bias", True),
        ("rnn.bias_ih_l0_reverse", True),
        ("attention.in_proj_bias", True),
        ("conv.bias_orig", True),
        ("conv.parametrizations.bias.original", True),
        ("conv.parametrizations.weight.original1", False),
        ("conv.weight", False),
        ("relative_attention_bias.weight", False),
        ("relative_position_bias_table", False),
        ("attention_biases", False),
        ("debiased.gamma", False),
        ("beta", False),
    ],
)
def test_biases_are_known_by_name(name, expected):
    assert is_bias(name) is expected


def test_params_choose_among_all_that_count():
    network, x = Gammas().double(), images(N, 5, 4)
    found = ntk(network, x, params=lambda name: "pos" in name, details=True)
    assert found.autograd == ("pos_embed", "relative_position_bias_table")
    assert "gamma" in found.left_out


def test_cells_choose_by_prefix_whatever_the_name():
    network, x = randomise(cnn()), images(N, 3, 8, 8)
    network.searched_prefixes = ("body",)
    parametrizations.weight_norm(network.body.conv)
    found = ntk(network, x, params="searched", details=True)
    original = "body.conv.parametrizations.weight.original"
    assert every(found) == {"body.bn.weight", f"{original}0", f"{original}1"}


class Hidden(nn.Module):
    """A trainable tensor that isn't a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.factors = [torch.ones(3, 1, dtype=torch.float64, requires_grad=True)]

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * self.factors[0].T


@pytest.mark.parametrize("mode", ["frozen", "coupled"])
def test_a_trainable_tensor_that_is_left_out_is_told(mode):
    network = randomise(Hidden())
    with pytest.warns(
        LeftOutWarning, match=r"Hidden reads trainable .* \(3×1\): they are left out"
    ):
        ntk(network, images(N, 4), batch_norm=mode, engine="torch")
    network.factors[0].requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ntk(network, images(N, 4), batch_norm=mode, engine="torch")


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).T


def test_a_parametrisation_counts_once_and_its_kernel_is_by_what_is_trained():
    network, x = randomise(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))), images(N, 4)
    parametrize.register_parametrization(network[0], "weight", Symmetric())
    found = details(network, x)
    names = ("0.parametrizations.weight.original", "2.weight")
    assert every(found) == set(names)
    torch.testing.assert_close(found.kernel, by_hand(network, x, names))


def test_weights_that_need_no_gradient_count_but_a_bias_never_does():
    network, x = (
        randomise(nn.Sequential(nn.Linear(4, 4), Function(F.silu), nn.Linear(4, 2))),
        images(N, 4),
    )
    expected = details(network, x)
    network[0].requires_grad_(False)
    found = details(network, x)
    assert found.left_out == ("0.bias", "2.bias") == expected.left_out
    assert torch.equal(found.kernel, expected.kernel)
