"""The kernel layer by layer, and for layers used in every way.

The oracle is ``tegnas.reference``: one backward pass per image, in float64.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from networks import Function, Logits, images, randomise
from torch import Tensor, nn
from torch.func import functional_call

from tegnas import ntk
from tegnas.kernel import AutogradLayersWarning, EngineWarning
from tegnas.reference.ntk import ntk as reference_ntk

MODES = ("frozen", "coupled")
# A coupled kernel is the native engine's where it can run the network.
WAYS = (("frozen", "native"), ("coupled", "native"), ("coupled", "torch"))

pytestmark = pytest.mark.filterwarnings("ignore::tegnas.kernel.EngineWarning")


def check(network: nn.Module, x: Tensor, *, autograd: tuple[str, ...] = ()) -> None:
    """Kernel and cross kernel of both meanings are right, and took the expected way."""
    randomise(network)
    for other in (None, 0.7 * x.flip(-1)[:-1] + 0.1):
        for mode, engine in WAYS:
            expected = reference_ntk(network, x, other, batch_norm=mode)
            found = ntk(network, x, other, batch_norm=mode, details=True, engine=engine)
            assert found.kernel.dtype == torch.float64
            close(found.kernel, expected)
            if mode == "frozen":
                assert found.autograd == autograd


def weights(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [each for each in network.named_parameters() if each[0].endswith("weight")]


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12 * expected.abs().max())


CONVOLUTIONS = {
    "plain": nn.Conv2d(3, 4, 3),
    "padding": nn.Conv2d(3, 4, 3, padding=1, bias=False),
    "stride, rectangle": nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(0, 1)),
    "dilation": nn.Conv2d(3, 4, 3, dilation=2, padding=2),
    "same": nn.Conv2d(3, 4, (3, 2), padding="same"),
    "valid": nn.Conv2d(3, 4, 2, padding="valid"),
    "groups": nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1),
    "depthwise": nn.Conv2d(3, 3, 3, groups=3),
    "pointwise": nn.Conv2d(3, 5, 1),
    "circular": nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"),
    "reflect, uneven": nn.Conv2d(3, 4, 4, padding="same", padding_mode="reflect"),
    "replicate": nn.Conv2d(3, 4, 3, padding=(2, 1), padding_mode="replicate"),
    "stride beyond the image": nn.Conv2d(3, 4, 2, stride=9),
    "1d": nn.Conv1d(3, 4, 3),
    "1d, stride, dilation": nn.Conv1d(3, 4, 3, stride=2, padding=1, dilation=2),
    "1d, groups, same": nn.Conv1d(3, 6, 2, groups=3, padding="same"),
    "1d, circular": nn.Conv1d(3, 4, 5, padding=2, padding_mode="circular"),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name):
    layer = CONVOLUTIONS[name]
    size = (7, 6) if isinstance(layer, nn.Conv2d) else (9,)
    check(nn.Sequential(layer, nn.ReLU(), Logits()), images(5, layer.in_channels, *size))


def around(norm: nn.Module) -> nn.Module:
    """A norm of 4×6×5 between convolutions."""
    convolutions = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3)
    return nn.Sequential(convolutions[0], norm, nn.ReLU(), convolutions[1], Logits())


NORMS = {
    "BatchNorm2d": nn.BatchNorm2d(4, eps=1e-3),
    "BatchNorm2d without statistics": nn.BatchNorm2d(4, track_running_stats=False),
    "GroupNorm": nn.GroupNorm(2, 4),
    "LayerNorm": nn.LayerNorm((4, 6, 5)),
    "LayerNorm of rows": nn.LayerNorm(5),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_of_images(name):
    norm = NORMS[name]
    if getattr(norm, "running_mean", None) is not None:
        norm.running_mean.fill_(3.0)  # must not be used
        norm.running_var.fill_(17.0)
    check(around(norm), images(5, 3, 6, 5))


@pytest.mark.parametrize("tracking", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_instance_norm_is_a_norm_of_each_channel_of_each_image(tracking, mode):
    norm = nn.InstanceNorm2d(4, affine=True, track_running_stats=tracking)
    kernels = [
        ntk(randomise(around(each)), images(5, 3, 6, 5), batch_norm=mode, details=True)
        for each in (norm, nn.GroupNorm(4, 4))
    ]
    close(kernels[0].kernel, kernels[1].kernel)
    assert kernels[0].autograd == () or mode == "coupled"


def test_norms_without_scale_have_no_rows():
    network = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 2))
    check(network, images(5, 6))
    assert ntk(network, images(5, 6), details=True).native == ("0.weight", "2.weight")


def test_multilayer_perceptron():
    network = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 4))
    check(nn.Sequential(*network, nn.LayerNorm(4), Logits()), images(6, 8))


def test_batch_norm_of_sequences():
    check(nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), Logits()), images(5, 3, 9))


@pytest.mark.parametrize("shape", [(7,), (2, 3), (5,)], ids=["tokens", "two", "as many as images"])
def test_linear_layers_and_norms_of_tokens(shape):
    network = nn.Sequential(nn.Linear(8, 6), nn.GELU(), nn.LayerNorm(6), nn.Linear(6, 4), Logits())
    check(network, images(5, *shape, 8))


def tokens_first(pool) -> nn.Module:
    """Works on (tokens, images, features), as recurrent networks do."""
    turn = Function(lambda x: x.transpose(0, 1))
    layers = nn.Linear(5, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3)
    return nn.Sequential(turn, *layers, Function(pool))


@pytest.mark.parametrize("tokens", [4, 6])
@pytest.mark.parametrize(
    "pool", [lambda x: x[0], lambda x: x[-1], lambda x: x.mean(0)], ids=["first", "last", "mean"]
)
def test_tokens_in_the_first_dimension_are_not_taken_for_images(pool, tokens):
    check(tokens_first(pool), images(4, tokens, 5))


# How layers are used


class Use(nn.Module):
    """Three convolutions and a norm, used as ``body`` says, and a classifier."""

    def __init__(self, body) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.norm = nn.BatchNorm2d(3)
        self.head = nn.Linear(3, 2)
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.body(self, x)).mean((2, 3)))


def without_gradient(net: Use, x: Tensor) -> Tensor:
    with torch.no_grad():
        y = net.norm(net.a(x))
    return net.b(y)


USES = {
    "a layer twice": (lambda net, x: net.a(F.relu(net.b(net.a(x)))), ("a.weight",)),
    "a norm twice": (lambda net, x: net.norm(F.relu(net.norm(net.a(x)))), ("norm.weight",)),
    "its weight alone": (lambda net, x: F.conv2d(x, net.a.weight, padding=1), ("a.weight",)),
    "a layer and its weight": (
        lambda net, x: net.a(x) + F.conv2d(x.flip(2), net.a.weight, padding=1),
        ("a.weight",),
    ),
    "a sum of the weight": (lambda net, x: net.a(x) * net.a.weight.sum(), ("a.weight",)),
    "a bias elsewhere": (lambda net, x: net.a(F.relu(net.b(x))) * net.c.bias.sum(), ()),
    "not at all": (lambda net, x: net.a(x), ()),
    "thrown away": (lambda net, x: net.a(x) + net.b(x).detach(), ()),
    "under no_grad": (without_gradient, ()),
    "on a constant": (lambda net, x: net.a(x) * net.b(torch.ones_like(x)), ()),
    "on a detached value": (lambda net, x: net.b(net.a(x).detach()), ()),
    "by keyword": (lambda net, x: net.a(input=x), ("a.weight",)),
    "on some images": (lambda net, x: torch.cat([net.a(x[:2]), net.b(x[2:])]), ()),
    "on parts of images": (
        lambda net, x: net.a(x.reshape(-1, 3, 3, x.shape[3])).view_as(x),
        ("a.weight",),
    ),
    "in-place ReLU": (lambda net, x: net.b(net.a(x).relu_()), ()),
    "in-place ReLU after a norm": (lambda net, x: net.b(net.norm(net.a(x)).relu_()), ()),
    "in-place sum": (lambda net, x: net.norm(net.a(x).add_(net.b(F.relu(x)))).relu_(), ()),
    "residual in place": (lambda net, x: net.norm(net.a(x)).add_(net.b(x)).add_(x).relu_(), ()),
    "in-place on the images": (lambda net, x: net.a(x.relu_()), ()),
    "with its own weight given": (lambda net, x: called_with(net.a, net.a.weight, x), ()),
    "with a multiple of its weight": (
        lambda net, x: called_with(net.a, 2 * net.a.weight, x),
        ("a.weight",),
    ),
    "a norm with a function of its scale": (
        lambda net, x: called_with(net.norm, net.norm.weight.exp(), net.a(x)),
        ("norm.weight",),
    ),
}


def called_with(layer: nn.Module, weight: Tensor, x: Tensor) -> Tensor:
    """As libraries do that put other tensors in the place of parameters for one call."""
    return functional_call(layer, {"weight": weight, "bias": layer.bias}, (x,))


@pytest.mark.parametrize("name", USES)
def test_uses_of_a_layer(name):
    body, autograd = USES[name]
    network, x = randomise(Use(body)), images(5, 3, 6, 4)
    for other in (None, 0.7 * x.flip(-1)[:-1] + 0.1):
        for mode, engine in WAYS:
            before = x.clone()
            found = ntk(network, x, other, batch_norm=mode, details=True, engine=engine)
            assert torch.equal(x, before)
            copies = x.clone(), None if other is None else other.clone()
            close(found.kernel, reference_ntk(network, *copies, batch_norm=mode))
    assert ntk(network, x, details=True).autograd == autograd


def test_tied_weights_are_one_parameter():
    network = Use(lambda net, x: net.b(F.relu(net.a(x))))
    network.b.weight = network.a.weight
    check(network, images(5, 3, 6, 4), autograd=("a.weight",))


@pytest.mark.parametrize("place", ["a", ""], ids=["layer", "network"])
@pytest.mark.parametrize("before", [True, False])
def test_hooks_that_change_a_value_are_respected(place, before):
    network = nn.Sequential(OrderedDict(a=nn.Conv2d(3, 4, 3), b=nn.ReLU(), c=Logits()))
    module = network.get_submodule(place)
    if before:
        module.register_forward_pre_hook(lambda module, args: (args[0].abs(),))
    else:
        module.register_forward_hook(lambda module, args, output: torch.tanh(output) * 2)
    check(network, images(5, 3, 6, 4))


def test_a_hook_that_changes_the_gradient_of_a_weight_is_respected():
    network, x = (
        randomise(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), Logits())),
        images(5, 3, 6, 6),
    )
    expected = {mode: 9 * ntk(network, x, batch_norm=mode, engine="torch") for mode, _ in WAYS}
    network[0].weight.register_hook(lambda gradient: 3 * gradient)
    for mode, engine in WAYS:
        found = ntk(network, x, batch_norm=mode, engine=engine, details=True)
        assert found.autograd == ("0.weight",)
        close(found.kernel, expected[mode])


def test_hooks_for_every_module_are_respected():
    network, x = (
        randomise(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), Logits())),
        images(5, 3, 6, 6),
    )
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, args, output: 2 * output if isinstance(module, nn.Conv2d) else None
    )
    try:
        for mode, engine in WAYS:
            found = ntk(network, x, batch_norm=mode, engine=engine, details=True)
            close(found.kernel, reference_ntk(network, x, batch_norm=mode))
    finally:
        hook.remove()


# What the native Gram doesn't know


class Exponential(nn.Module):
    """A weight of its own kind."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.exp()


class Standardised(nn.Conv2d):
    """A sub-class that computes something else."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight - self.weight.mean((1, 2, 3), keepdim=True), self.bias)


class Halved(nn.Conv2d):
    """A sub-class that computes something else further down."""

    def _conv_forward(self, input, weight, bias):
        return super()._conv_forward(input, weight / 2, bias)


class Renamed(nn.Conv2d):
    """A sub-class that computes what its base does."""


class NormActivation(nn.BatchNorm2d):
    """A sub-class that does more than its base."""

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(super().forward(x))


UNKNOWN = {
    "transposed convolution": nn.ConvTranspose2d(3, 4, 3, stride=2),
    "PReLU": nn.PReLU(3),
    "own parameter": Exponential(),
    "own forward": Standardised(3, 4, 3),
    "own convolution": Halved(3, 4, 3),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_layers_are_named_and_right(name):
    network = nn.Sequential(nn.Conv2d(3, 3, 3), UNKNOWN[name], nn.ReLU(), Logits())
    x = images(5, 3, 6, 6)
    check(network, x, autograd=("1.weight",))
    with pytest.warns(AutogradLayersWarning, match=r"doesn't know 1\.weight: computed by autograd"):
        ntk(network, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ntk(network, x, details=True)
        ntk(network, x, batch_norm="coupled", engine="torch")
    with pytest.warns(EngineWarning, match="the native engine can't run this network"):
        details = ntk(network, x, batch_norm="coupled", details=True)
    assert details.autograd == tuple(sorted(name for name, _ in weights(network)))


@pytest.mark.parametrize("tokens", [4, 6])
def test_attention_is_named_and_right(tokens):
    attention = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
    network = nn.Sequential(
        nn.Linear(5, 8), Function(lambda x, layer: layer(x, x, x)[0], attention), Logits()
    )
    names = ("1.layers.0.in_proj_weight", "1.layers.0.out_proj.weight")
    check(network, images(4, tokens, 5), autograd=names)


def test_a_subclass_that_changes_nothing_stays_native():
    check(nn.Sequential(Renamed(3, 4, 3), nn.ReLU(), Logits()), images(5, 3, 6, 6))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", ["0", ""], ids=["layer", "network"])
def test_a_forward_put_in_the_place_of_another_is_respected(place, mode):
    def make() -> nn.Module:
        return randomise(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 2), Logits()))

    network, x = make(), images(5, 3, 6, 6)
    module = network.get_submodule(place)
    original = module.forward
    module.forward = lambda x: original(x.abs())
    found = ntk(network, x, batch_norm=mode, details=True)
    close(found.kernel, reference_ntk(make(), x.abs(), batch_norm=mode))
    assert mode == "coupled" or found.autograd == (("0.weight",) if place else ())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["subclass", "function"])
def test_batch_norm_in_disguise_uses_the_batch(kind, mode):
    def norm_function(x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        statistics = norm.running_mean, norm.running_var
        return F.silu(F.batch_norm(x, *statistics, norm.weight, norm.bias, eps=norm.eps))

    norm = NormActivation(4) if kind == "subclass" else Function(norm_function, nn.BatchNorm2d(4))
    plain = nn.Sequential(nn.BatchNorm2d(4), nn.SiLU())
    found = ntk(randomise(around(norm)), images(5, 3, 6, 5), batch_norm=mode, details=True)
    close(
        found.kernel, reference_ntk(randomise(around(plain)), images(5, 3, 6, 5), batch_norm=mode)
    )
