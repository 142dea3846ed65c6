"""What torch.fx gets wrong in silence: lowered right, or refused."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import Function, images, randomise, state_of
from tensors import relative_error
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from tegnas import InputError, ops
from tegnas.engine.lowering import CannotLower, lower_module
from tegnas.engine.program import ParameterLayout, ProgramBuilder
from tegnas.kernel import EngineWarning
from tegnas.kernel import ntk as module_ntk
from tegnas.reference.ntk import ntk

SHAPE = (2, 5, 5)


def kernel(network: nn.Module, x: Tensor, batch_norm: str) -> Tensor:
    """By the native engine."""
    lowered = lower_module(network, tuple(x.shape[1:]))
    one = torch.zeros(1, dtype=torch.int64)
    code = lowered.program.encode(len(lowered.parameters))
    return ops.engine_ntk(
        ops.EngineJobs([code], one, lowered.parameters, one), x, batch_norm=batch_norm
    )[0][0]


# Operations in place, on random graphs


class Steps(nn.Module):
    """Layers and operations, in place or not, on names of tensors; some names are of one tensor."""

    LAYERS: dict[str, Callable[[], nn.Module]] = {
        "norm": lambda: nn.BatchNorm2d(3),
        "conv": lambda: nn.Conv2d(3, 3, 3, padding=1, bias=False),
        "relu": nn.ReLU,
        "relu in place": lambda: nn.ReLU(inplace=True),
        "identity": nn.Identity,
        "dropout in place": lambda: nn.Dropout(0.5, inplace=True),
        "pool": lambda: nn.MaxPool2d(3, 1, 1),
        "relu6 in place": lambda: nn.ReLU6(inplace=True),
        "silu": nn.SiLU,
        "hardswish in place": lambda: nn.Hardswish(inplace=True),
    }
    FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "add": lambda a, b: a + b,
        "add_": lambda a, b: a.add_(b),
        "relu_": lambda a, b: a.relu_(),
        "torch.relu_": lambda a, b: torch.relu_(a),
        "F.relu in place": lambda a, b: F.relu(a, inplace=True),
        "F.dropout": lambda a, b: F.dropout(a, training=False, inplace=True),
        "mul_": lambda a, b: a.mul_(0.5),
        "scale": lambda a, b: 1.5 * a,
        "F.relu in place by its place": lambda a, b: F.relu(a, True),
        "F.silu in place": lambda a, b: F.silu(a, inplace=True),
        "F.hardtanh in place": lambda a, b: F.hardtanh(a, 0.0, 6.0, True),
        "F.hardtanh_": lambda a, b: F.hardtanh_(a, 0.0, 6.0),
        "F.leaky_relu in place": lambda a, b: F.leaky_relu(a, 0.1, True),
        "sigmoid_": lambda a, b: a.sigmoid_(),
        "product": lambda a, b: a * torch.sigmoid(b),
        "product in place": lambda a, b: a.mul_(b.sigmoid()),
        "gate": lambda a, b: torch.sigmoid(b.mean((2, 3), keepdim=True)) * a,
        "gate in place": lambda a, b: a.mul_(torch.sigmoid(b.mean((2, 3), keepdim=True))),
        "clone": lambda a, b: a.clone(),
        "alias": lambda a, b: a,
    }

    def __init__(self, steps: list[tuple[str, int, int]]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 1)
        self.steps = steps
        self.layers = nn.ModuleList(
            self.LAYERS[name]() if name in self.LAYERS else nn.Identity() for name, _, _ in steps
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        tensors = [self.stem(x)]
        for layer, (name, first, second) in zip(self.layers, self.steps, strict=True):
            left, right = tensors[first % len(tensors)], tensors[second % len(tensors)]
            if name in self.LAYERS:
                tensors.append(layer(left))
            elif name in self.FUNCTIONS:
                tensors.append(self.FUNCTIONS[name](left, right))
            elif name == "+=":
                left += right
            else:
                left *= 0.5
        # The first ones too: they show what was written to them since.
        total = tensors[-1] + tensors[0]
        for each in tensors[1:-1:2]:
            total = total + each
        return self.head(total)


NAMES = [*Steps.LAYERS, *Steps.FUNCTIONS, "+=", "*="]


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=9,
    ),
    st.integers(0, 2**20),
)
def test_operations_in_place_give_the_kernel_of_autograd(batch_norm, steps, seed):
    network = randomise(Steps(steps), seed=seed)
    x = images(3, *SHAPE, seed=seed)
    found = kernel(network, x, batch_norm)
    try:
        expected = ntk(network, x, batch_norm=batch_norm)
    except RuntimeError as error:  # PyTorch needs for the gradient what was written over
        assert "inplace" in str(error)
        assume(False)
    assert relative_error(found, expected) < 1e-9


class PreActivation(nn.Module):
    """y = norm(x); y + conv(relu(y)), the sum being of what ReLU left in y where it is in place."""

    def __init__(self, relu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3, padding=1)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        return y + self.conv(self.relu(y))


def pre_activation(relu: Callable[[Tensor], Tensor]) -> nn.Module:
    blocks = [PreActivation(relu), PreActivation(relu)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)]
    return randomise(nn.Sequential(nn.Conv2d(2, 3, 3), *blocks, *head))


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_a_relu_in_place_changes_what_is_read_later(batch_norm):
    x = images(4, *SHAPE)
    plain = kernel(pre_activation(F.relu), x, batch_norm)
    for relu in (lambda y: F.relu(y, inplace=True), lambda y: y.relu_(), torch.relu_):
        network = pre_activation(relu)
        found = kernel(network, x, batch_norm)
        assert relative_error(found, plain) > 0.01
        assert relative_error(found, ntk(network, x, batch_norm=batch_norm)) < 1e-9
        by_torch = module_ntk(network, x, batch_norm=batch_norm, engine="torch")
        assert relative_error(by_torch, found) < 1e-9


def test_a_view_that_nobody_reads_again_may_be_written_to():
    layers = [nn.Conv2d(2, 3, 3), nn.Flatten(), nn.ReLU(inplace=True), nn.Linear(27, 2)]
    network, x = randomise(nn.Sequential(*layers)), images(4, *SHAPE)
    assert relative_error(kernel(network, x, "coupled"), ntk(network, x, batch_norm="coupled")) < (
        1e-9
    )


# Squeeze and excitation, in the ways it is written


class Excitation(nn.Module):
    """Every channel times a gate; layers are convolutions of one pixel, or linear."""

    def __init__(self, excite: Callable[..., Tensor], *, linear: bool) -> None:
        super().__init__()
        self.excite = excite
        self.down = nn.Linear(3, 2) if linear else nn.Conv2d(3, 2, 1)
        self.up = nn.Linear(2, 3) if linear else nn.Conv2d(2, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.excite(x, self.down, self.up)


def by_size(x: Tensor, down: nn.Module, up: nn.Module) -> Tensor:
    images, channels, _, _ = x.size()
    gate = F.adaptive_avg_pool2d(x, 1).view(images, channels)
    return x * up(F.relu(down(gate))).sigmoid().view(images, channels, 1, 1)


EXCITATIONS = {
    "MobileNetV3": Excitation(
        lambda x, down, up: F.hardsigmoid(up(F.relu(down(F.adaptive_avg_pool2d(x, 1))))) * x,
        linear=False,
    ),
    "EfficientNet": Excitation(
        lambda x, down, up: x * up(F.silu(down(x.mean((2, 3), keepdim=True)))).sigmoid(),
        linear=False,
    ),
    "axis by axis": Excitation(
        lambda x, down, up: x.mul_(
            F.relu6(up(F.relu(down(x.mean(3, keepdim=True).mean(2, keepdim=True)), True)))
        ),
        linear=False,
    ),
    "linear layers": Excitation(by_size, linear=True),
    "linear layers and a size of -1": Excitation(
        lambda x, down, up: torch.mul(
            torch.reshape(torch.sigmoid(up(down(x.mean((2, 3))))), (-1, 3, 1, 1)), x
        ),
        linear=True,
    ),
}


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@pytest.mark.parametrize("name", EXCITATIONS)
def test_excitation_gives_the_kernel_of_autograd(name, batch_norm):
    stem = [nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Hardswish()]
    head = [nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)]
    network = randomise(nn.Sequential(*stem, copy.deepcopy(EXCITATIONS[name]), *head))
    x = images(4, *SHAPE)
    found = kernel(network, x, batch_norm)
    # In the gradient of hardsigmoid PyTorch takes 1/6 from float32.
    tolerance = 1e-7 if name == "MobileNetV3" else 1e-9
    assert relative_error(found, ntk(network, x, batch_norm=batch_norm)) < tolerance


def test_programs_as_text():
    network = nn.Sequential(nn.Hardswish(), EXCITATIONS["EfficientNet"])
    network = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False), nn.ReLU6(), network)
    assert str(lower_module(network, SHAPE).program).splitlines()[2:] == [
        "%2 = relu6(%1, 0, 1)",
        "%3 = hardswish(%2, 0, 1)",
        "%4 = global_avg_pool(%3)",
        "%5 = conv2d(%4, 2, 1, 1, 1, 1, 0, 0, 1, 1, 1, 6, 12, 1)",
        "%6 = silu(%5, 0, 1)",
        "%7 = conv2d(%6, 3, 1, 1, 1, 1, 0, 0, 1, 1, 1, 14, 20, 1)",
        "%8 = sigmoid(%7, 0, 0)",
        "%9 = product(%3, %8)",
    ]


def test_programs_that_cannot_be_are_refused_as_they_are_written():
    build = ProgramBuilder((2, 4, 4), ParameterLayout())
    small = build.avg_pool(0, (2, 2), (2, 2), (0, 0), count_include_pad=True)
    with pytest.raises(InputError, match="would multiply values of 2×4×4 and 2×2×2"):
        build.product(0, small)
    with pytest.raises(InputError, match="values of 2 and 4 channels can't be multiplied"):
        build.product(0, build.concat([0, 0]))
    with pytest.raises(InputError, match="no activation swish; choose one of relu6, sigmoid"):
        build.activation(0, "swish")
    with pytest.raises(InputError, match="silu has no factor below zero"):
        build.activation(0, "silu", below=0.1)
    gate = build.activation(build.global_avg_pool(0), "sigmoid")
    assert build.shapes[build.product(gate, 0)] == build.shapes[build.product(0, gate)] == (2, 4, 4)


# Refusals


def head(x: Tensor) -> Tensor:
    return x.mean((2, 3))


def written_through_a_view(x: Tensor) -> Tensor:
    x.view(x.size(0), 50).mul_(0.5)
    return head(x)


def view_after_a_write(x: Tensor) -> Tensor:
    flat = x.flatten(1)
    x *= 0.5
    return flat


def written_in_part(x: Tensor) -> Tensor:
    part = x[:, :, 1:, :]
    part += part
    return head(x)


def part_after_a_write(x: Tensor) -> Tensor:
    part = x[:, :, 1:, :]
    x.relu_()
    return head(part)


def chunks(x: Tensor) -> Tensor:
    left, right = x.chunk(2, 1)
    left += right
    return head(x)


def without_gradients(x: Tensor) -> Tensor:
    with torch.no_grad():
        y = torch.relu(x)
    return head(x + y)


def autocast(x: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return head(torch.relu(x))


class Negated(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, grad):
        return -grad


def relu(x: Tensor) -> Tensor:
    """Not the one of PyTorch."""
    return x * 2


torch.fx.wrap("relu")


FUNCTIONS = {
    "a view written to": written_through_a_view,
    "a view read after a write": view_after_a_write,
    "a part written to": written_in_part,
    "a part read after a write": part_after_a_write,
    "chunks": chunks,
    "out": lambda x: head(torch.add(x, x, out=x)),
    "sub_": lambda x: head(x.sub_(1.0)),
    "hardtanh_": lambda x: head(F.hardtanh_(x)),
    "another function's memory": lambda x: head(torch.sigmoid(x, out=x)),
    "hardtanh": lambda x: head(F.hardtanh(x, -2, 2)),
    "a product over the plane": lambda x: head(x * x[:, :, :1, :1].mean(1, keepdim=True)),
    "a product of a crop": lambda x: head(x * x[:, :, 1:, :]),
    "a product of flat values": lambda x: x.mean((2, 3)) * x.mean((2, 3), keepdim=True),
    "a product in the memory of a smaller value": lambda x: head(x[:, :, :1, :1].mul_(x)),
    "a product of channels": lambda x: head(x * torch.cat([x, x], 1)),
    "an item": lambda x: head(x.index_fill_(1, torch.tensor([0]), 0.0)),
    "dropout": lambda x: head(F.dropout(x, inplace=True)),
    "alpha": lambda x: head(torch.add(x, x, alpha=2)),
    "no_grad": without_gradients,
    "autocast": autocast,
    "a derivative of its own": lambda x: head(Negated.apply(x)),
    "a function of that name": lambda x: head(relu(x)),
    "detach": lambda x: head(x + x.detach()),
    "half precision": lambda x: head(x.half().double()),
    "a size that decides": lambda x: head(x if x.shape[2] > 3 else 2 * x),
    "values that decide": lambda x: head(x if x.sum() > 0 else 2 * x),
    "the batch that decides": lambda x: head(x if len(x) > 3 else 2 * x),
    "a constant tensor": lambda x: head(x + torch.ones(2, 1, 1)),
    "shapes that broadcast": lambda x: x.mean((2, 3)) + x.mean((2, 3), keepdim=True),
    "a gradient hook": lambda x: (x.register_hook(lambda g: 2 * g), head(x))[1],
    "another maximum": lambda x: head(F.adaptive_max_pool2d(x, 1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_programs_cannot_follow_are_refused(name):
    with pytest.raises(CannotLower):
        lower_module(Function(FUNCTIONS[name]), SHAPE)


@pytest.mark.parametrize(("side", "lowered"), [(8, True), (9, False)])
def test_a_max_pool_that_rounds_up_is_followed_where_nothing_is_rounded(side, lowered):
    pool = nn.MaxPool2d(2, 2, ceil_mode=True)
    network = nn.Sequential(pool, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    if lowered:
        assert "max_pool" in str(lower_module(network, (2, side, 8)).program)
    else:
        with pytest.raises(CannotLower, match="a max pool rounds up"):
            lower_module(network, (2, side, 8))


def conv_net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2))


def pruned(network: nn.Sequential) -> nn.Module:
    prune.l1_unstructured(network[0], "weight", 0.5)
    return network


def parametrized(network: nn.Sequential) -> nn.Module:
    parametrizations.weight_norm(network[0])
    return network


def hooked(network: nn.Sequential) -> nn.Module:
    network[1].register_forward_hook(lambda module, args, output: 2 * output)
    return network


def hooked_backward(network: nn.Sequential) -> nn.Module:
    network[1].register_full_backward_hook(lambda module, left, right: (2 * left[0],))
    return network


def hooked_weight(network: nn.Sequential) -> nn.Module:
    network[0].weight.register_hook(lambda grad: 2 * grad)
    return network


def two_dtypes(network: nn.Sequential) -> nn.Module:
    network[3].double()
    return network


def half(network: nn.Sequential) -> nn.Module:
    return network.half()


def weight_of_another_shape(network: nn.Sequential) -> nn.Module:
    network[0].weight = nn.Parameter(torch.zeros(3, 2, 1, 1))
    return network


def weight_that_is_no_parameter(network: nn.Sequential) -> nn.Module:
    weight = network[0].weight.detach()
    del network[0].weight
    network[0].weight = weight
    return network


def one_weight(network: nn.Sequential) -> nn.Module:
    return nn.Sequential(network[0], nn.Conv2d(3, 2, 3), network[0], *network[1:])


def called_twice(network: nn.Sequential) -> nn.Module:
    mixing = nn.Conv2d(2, 2, 1)
    return nn.Sequential(Function(lambda x, layer: layer(layer(x)), mixing), *network)


class Doubled(nn.Sequential):
    def __call__(self, x: Tensor) -> Tensor:
        return 2 * super().__call__(x)


class OwnConv(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Counting(nn.Module):
    """Does something else every second time."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.calls, self.cache = network, 0, {}

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.cache["last"] = x
        return self.network(x if self.calls % 2 else 2 * x)


class Buffered(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.zeros(2, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x + self.mean)


MODULES = {
    "pruned": pruned,
    "parametrized": parametrized,
    "hooked": hooked,
    "hooked backward": hooked_backward,
    "hooked weight": hooked_weight,
    "two dtypes": two_dtypes,
    "half": half,
    "a weight of another shape": weight_of_another_shape,
    "a weight that is no parameter": weight_that_is_no_parameter,
    "one weight for two": one_weight,
    "a layer called twice": called_twice,
    "a call of its own": lambda network: Doubled(*network),
    "a forward of its own": lambda network: nn.Sequential(OwnConv(2, 2, 1), *network),
    "a state": Counting,
    "a buffer": Buffered,
    "a norm of flat values": lambda network: nn.Sequential(nn.Flatten(), nn.BatchNorm2d(50)),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_that_programs_cannot_follow_are_refused(name):
    network = MODULES[name](conv_net())
    with pytest.raises(CannotLower):
        lower_module(network, SHAPE)


def test_hooks_for_every_module_are_refused():
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
    try:
        with pytest.raises(CannotLower, match="hooks for every module"):
            lower_module(conv_net(), SHAPE)
    finally:
        handle.remove()


def test_tracing_leaves_a_module_as_it_is():
    network = Counting(nn.Sequential(conv_net(), nn.Dropout(0.5)).train())
    network.network[1].eval()
    before = state_of(network)
    with pytest.raises(CannotLower, match="the forward of Counting changes what it holds"):
        lower_module(network, SHAPE)
    assert state_of(network) == before
    assert (network.calls, network.cache) == (0, {})
    copy.deepcopy(network)


def test_what_a_module_does_when_set_to_eval_is_not_run():
    class Stubborn(nn.Sequential):
        def train(self, mode: bool = True) -> nn.Module:
            raise AssertionError("train() was called")

    assert lower_module(Stubborn(*conv_net()), SHAPE).logits


def test_whether_the_result_is_logits():
    convolution = nn.Conv2d(2, 3, 3)
    pooled = nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1))
    assert not lower_module(pooled, SHAPE).logits
    assert lower_module(nn.Sequential(*pooled, nn.Flatten()), SHAPE).logits


def test_sizes_of_flat_values_are_theirs():
    network = Function(lambda x: x.flatten(1).view(-1, 50).reshape(x.size(0), -1))
    assert lower_module(network, SHAPE).logits
    with pytest.raises(CannotLower):
        lower_module(Function(lambda x: x.flatten(1) * x.flatten(1).shape[2]), SHAPE)


def test_without_logits_there_is_no_kernel():
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(1)).double()
    with (
        pytest.warns(EngineWarning, match="something other than logits"),
        pytest.raises(InputError, match="must give logits of shape"),
    ):
        module_ntk(network, images(3, *SHAPE), batch_norm="coupled")


def test_an_adaptive_pool_of_whole_windows_is_an_average_pool():
    pool = nn.AdaptiveAvgPool2d((2, 3))
    network = randomise(nn.Sequential(pool, nn.Flatten(), nn.Linear(12, 2)))
    x = images(3, 2, 6, 9)
    assert relative_error(kernel(network, x, "frozen"), ntk(network, x, batch_norm="frozen")) < 1e-9
    for shape in ((2, 5, 9), (2, 1, 1)):
        with pytest.raises(CannotLower, match="an adaptive pool gives"):
            lower_module(network, shape)


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_what_pytorch_cannot_differentiate_is_refused(batch_norm):
    def forward(x: Tensor, first: nn.Module, second: nn.Module) -> Tensor:
        y = torch.sigmoid(first(x))
        y += 1  # the derivative of the sigmoid needs what it gave
        return second(y)

    network = randomise(Function(forward, nn.Linear(4, 3), nn.Linear(3, 2)))
    with pytest.raises(InputError, match="Function changes a tensor in place that its gradient"):
        module_ntk(network, images(3, 4), batch_norm=batch_norm, engine="torch")
