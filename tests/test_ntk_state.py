"""A network comes back exactly as it was, whatever its own code does, and gives the same kernel."""

from __future__ import annotations

import copy
import gc
import random
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import Function, Logits, images, randomise
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from tegnas import InputError, count_regions, ntk
from tegnas.kernel.recorder import Call
from tegnas.kernel.unchanged import unchanged
from tegnas.reference.ntk import ntk as reference_ntk

N = 4
WAYS = (("frozen", "native"), ("coupled", "native"), ("coupled", "torch"))

pytestmark = [
    pytest.mark.filterwarnings("ignore::tegnas.kernel.EngineWarning"),
    pytest.mark.filterwarnings("ignore::tegnas.kernel.AutogradLayersWarning"),
]


class Cached(nn.Module):
    """Attention biases that are gathered once in eval mode; train mode drops them."""

    def __init__(self) -> None:
        super().__init__()
        self.biases = nn.Parameter(torch.rand(3))
        self.layer = nn.Linear(4, 4)
        self.cache: dict[str, Tensor] = {}

    @torch.no_grad()
    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        if mode:
            self.cache = {}
        return self

    def _gathered(self) -> Tensor:
        index = torch.tensor([0, 1, 2, 1])
        if self.training:
            return self.biases[index]
        if "cpu" not in self.cache:
            self.cache["cpu"] = self.biases[index]
        return self.cache["cpu"]

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.layer(x) + self._gathered() ** 2)


@dataclass
class Notes:
    """What a module keeps beside itself."""

    seen: list[Tensor] = field(default_factory=list)


class Writing(nn.Module):
    """Changes everything that a module can hold, at every run."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("late", None)
        self.history: list[Tensor] = []
        self.inner = {"of": [torch.zeros(2)]}
        self.hidden = [nn.BatchNorm1d(4)]
        self.plain = torch.zeros(3)
        self.array = np.zeros(2)
        self.namespace = SimpleNamespace(cached=None)
        self.notes = Notes()
        self.generator = torch.Generator().manual_seed(1)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.late = torch.ones(2)
        self.register_buffer("new", torch.ones(1))
        self.add_module("extra", nn.Identity())
        self.flag = True
        self.history.append(x)
        self.inner["of"][0] += 1
        self.inner["more"] = x
        self.hidden[0].running_mean += 1
        self.plain = x
        self.array += 1
        self.namespace.cached = x
        self.notes.late = x
        self.notes.seen.append(x)
        self.layer.register_forward_hook(lambda *_: None)
        self.layer.bias.data = self.layer.bias.data * 2
        with torch.no_grad():
            self.layer.weight.clamp_(-0.1, 0.1)
        self.layer.weight.requires_grad_(not self.layer.weight.requires_grad)
        self.layer.weight.requires_grad_(not self.layer.weight.requires_grad)
        noise = torch.rand(4, generator=self.generator, dtype=x.dtype)
        noise = noise + torch.rand(4, dtype=x.dtype) + random.random() + float(np.random.rand())
        return torch.sin(self.layer(x * noise))


class Frozen(nn.Module):
    """Its norm layers stay in eval mode when it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3))

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self.layers[1].eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Fitting(nn.Module):
    """Its ``train`` is something else."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def train(self, loader) -> None:
        raise AssertionError("not to be called")

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def everything(module: object, seen: dict[int, object] | None = None) -> object:
    """A value that tells all of a module apart, with the identity of what it holds."""
    if isinstance(module, Tensor):
        grad = None if not module.is_leaf or module.grad is None else module.grad.tolist()
        return id(module), module.requires_grad, module.tolist(), grad, str(module.dtype)
    if isinstance(module, torch.Generator):
        return module.get_state().tolist()
    if isinstance(module, nn.Module):
        return type(module), {name: everything(value) for name, value in vars(module).items()}
    if isinstance(module, SimpleNamespace | Notes):
        return id(module), everything(vars(module))
    if isinstance(module, np.ndarray):
        return id(module), module.tolist()
    if isinstance(module, dict):
        return id(module), [(str(name), everything(value)) for name, value in module.items()]
    if isinstance(module, list | tuple):
        return id(module), [everything(value) for value in module]
    return repr(module)


MODULES = {
    "cached": Cached,
    "writing": Writing,
    "frozen norms": Frozen,
    "train of its own": Fitting,
    "prune": lambda: pruned(nn.Linear(4, 3)),
    "spectral_norm": lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 3))),
    "spectral_norm, new": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 3))),
    "BatchNorm": lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)),
}


def pruned(layer: nn.Module) -> nn.Module:
    return nn.Sequential(prune.random_unstructured(layer, "weight", 0.5))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("mode", "engine"), WAYS)
@pytest.mark.parametrize("name", MODULES)
def test_a_network_is_as_it_was_and_gives_the_same_again(name, mode, engine, training):
    torch.manual_seed(0)
    network = nn.Sequential(MODULES[name](), Logits()).double()
    for module in network.modules():
        module.training = training
    first_weight = next(network.parameters())
    first_weight.grad = torch.ones_like(first_weight)
    before = everything(network), torch.get_rng_state().tolist(), random.getstate()
    one = ntk(network, images(N, 4), batch_norm=mode, engine=engine)
    assert (everything(network), torch.get_rng_state().tolist(), random.getstate()) == before
    assert torch.equal(one, ntk(network, images(N, 4), batch_norm=mode, engine=engine))


@pytest.mark.parametrize("training", [True, False])
def test_a_cache_of_old_values_is_not_used_and_stays(training):
    network, x = nn.Sequential(Cached(), nn.Linear(4, 3)), images(N, 4)
    randomise(network).eval()
    with torch.no_grad():
        network(x)
    cache = network[0].cache
    randomise(network, seed=1).train(training)
    network[0].cache = cache  # as after weights were put in without train()
    found = ntk(network, x)
    fresh = randomise(nn.Sequential(Cached(), nn.Linear(4, 3)), seed=1)
    torch.testing.assert_close(found, reference_ntk(fresh, x, batch_norm="frozen"))
    assert network[0].cache is cache and list(cache) == ["cpu"]


@pytest.mark.parametrize(("mode", "engine"), WAYS)
def test_a_used_network_can_be_copied(mode, engine):
    network = randomise(nn.Sequential(Cached(), nn.Linear(4, 3)))
    ntk(network, images(N, 4), batch_norm=mode, engine=engine)
    count_regions(nn.Sequential(network, nn.ReLU()), [images(9, 4)])
    copy.deepcopy(network)


def test_a_graph_of_the_users_can_still_be_run_backward():
    network, x = randomise(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))), images(N, 4)
    loss = network(x).sum()
    ntk(network, x)
    loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_what_is_put_back_is_put_back_after_an_error():
    network = nn.Sequential(Writing(), Function(lambda x: x @ x)).double()
    before = everything(network)
    with pytest.raises(RuntimeError):
        ntk(network, images(5, 4))
    assert everything(network) == before


def test_counting_regions_leaves_a_network_as_it_was():
    network = nn.Sequential(Writing(), nn.ReLU()).double()
    before = everything(network)
    count_regions(network, [images(9, 4)])
    assert everything(network) == before


def test_unchanged_restores_another_storage_and_removed_parts():
    layer = nn.Linear(3, 2)
    weight, before = layer.weight, everything(layer)
    with unchanged(layer):
        layer.weight.data = torch.zeros(5)
        del layer.bias
    assert layer.weight is weight and everything(layer) == before


def test_dropout_is_off_wherever_it_is_called():
    class Dropping(nn.Module):
        def __init__(self, p: float) -> None:
            super().__init__()
            self.layer, self.p = nn.Linear(4, 4), p

        def forward(self, x: Tensor) -> Tensor:
            x = F.dropout(self.layer(x), self.p)  # on in eval mode
            y = x.view(len(x), 1, 2, 2)
            y = F.scaled_dot_product_attention(y, y, y, None, self.p)
            return F.alpha_dropout(F.dropout2d(y, self.p, True), self.p, True).flatten(1)

    kernels = [ntk(randomise(Dropping(p)), images(N, 4)) for p in (0.5, 0.0)]
    assert torch.equal(*kernels)


def heads(x: Tensor, p: float, weight: Tensor) -> Tensor:
    """Attention by the function, which drops values unless it is told not to."""
    steps = x.view(len(x), 2, 2).transpose(0, 1)
    rest = None, None, None, False, p, weight[:2, :2], None
    result, _ = F.multi_head_attention_forward(
        steps, steps, steps, 2, 1, weight[:, :2].repeat(2, 1)[:6], *rest
    )
    return result.transpose(0, 1).flatten(1)


DROPPING = {
    "dropout": lambda x, p, _: torch.dropout(x, p, True),
    "dropout in place": lambda x, p, _: torch.dropout_(x.clone(), p, True),
    "feature dropout": lambda x, p, _: torch.feature_dropout(x[:, :, None], p, True)[:, :, 0],
    "alpha dropout": lambda x, p, _: torch.alpha_dropout(x, p, True),
    "attention": heads,
}


@pytest.mark.parametrize("mode", ["frozen", "coupled"])
@pytest.mark.parametrize("name", DROPPING)
def test_dropout_is_off_by_whatever_function_it_is_called(name, mode):
    class Dropping(nn.Module):
        def __init__(self, p: float) -> None:
            super().__init__()
            self.layer, self.p = nn.Linear(4, 4), p

        def forward(self, x: Tensor) -> Tensor:
            return DROPPING[name](self.layer(x), self.p, self.layer.weight).sin()

    kernels = [
        ntk(randomise(Dropping(p)), images(N, 4), batch_norm=mode, engine="torch")
        for p in (0.5, 0.0)
    ]
    assert torch.equal(*kernels)


@pytest.mark.parametrize("mode", ["frozen", "coupled"])
def test_batch_norm_uses_the_batch_by_whatever_function_it_is_called(mode):
    class Normed(nn.Module):
        def __init__(self, low: bool) -> None:
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)
            self.low = low

        def forward(self, x: Tensor) -> Tensor:
            x, n = self.first(x), self.norm
            if self.low:
                statistics = n.running_mean, n.running_var
                x = torch.batch_norm(x, n.weight, n.bias, *statistics, False, 0.1, n.eps, False)
            else:
                x = n(x)
            return self.last(F.relu(x))

    x = images(9, 4)
    networks = [randomise(Normed(low)) for low in (True, False)]
    kernels = [ntk(each, x, batch_norm=mode, engine="torch") for each in networks]
    torch.testing.assert_close(*kernels, rtol=1e-10, atol=1e-12)
    assert len({count_regions(each, [x, 3 * x]) for each in networks}) == 1


# Networks that aren't ready


def test_lazy_layers_are_refused_until_they_have_a_shape():
    network = nn.Sequential(nn.LazyLinear(4), nn.Tanh(), nn.Linear(4, 3)).double()
    with pytest.raises(InputError, match="0.weight gets its shape when Sequential first runs"):
        ntk(network, images(N, 4))
    with pytest.raises(InputError, match="lazy layer"):
        count_regions(nn.Sequential(network, nn.ReLU()), [images(N, 4)])
    network(images(N, 4))
    assert ntk(network, images(N, 4)).shape == (N, N)


class MadeLate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = None

    def forward(self, x: Tensor) -> Tensor:
        if self.head is None:
            self.head = nn.Linear(x.shape[1], 3, dtype=x.dtype)
        return self.head(x)


@pytest.mark.parametrize("mode", ["frozen", "coupled"])
def test_layers_that_are_made_at_the_first_run_are_refused(mode):
    network = nn.Sequential(nn.Linear(4, 4), MadeLate()).double()
    with pytest.raises(InputError, match=r"makes parameters when it first runs \(1.head.weight"):
        ntk(network, images(N, 4), batch_norm=mode)
    assert network[1].head is None
    network(images(N, 4))
    assert ntk(network, images(N, 4), batch_norm=mode).shape == (N, N)


def test_the_graph_of_a_call_is_let_go_of():
    ntk(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3)).double(), images(N, 4))
    gc.collect()
    assert not any(type(each) is Call for each in gc.get_objects())
