"""Linear regions of small networks, against patterns written out by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from networks import Function, cnn, images, mixed_training, randomise, state_of
from torch import Tensor, nn

from tegnas import InputError, count_regions
from tegnas.regions import NoRegionsError, RegionsWarning, measure_regions, region_inputs


def distinct(*patterns: Tensor) -> int:
    """Rows of 0/1 patterns that differ, one by one."""
    rows = torch.cat([each.flatten(1) for each in patterns], 1)
    return len({tuple(row) for row in rows.tolist()})


def test_one_relu_separates_inputs_by_the_signs_of_its_units():
    # Three lines through the origin of the plane cut it into six sectors.
    network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1))
    network[0].weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    angles = torch.arange(0.1, 6.2, 0.1)
    points = torch.stack([angles.cos(), angles.sin()], 1)
    assert count_regions(network, [points]) == 6
    assert count_regions(network, [points[:5]]) == 1
    assert count_regions(network, []) == 0


def test_zero_is_not_positive():
    network = nn.Sequential(nn.ReLU())
    points = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [-0.0, -2.0], [1e-30, 0.0]])
    assert count_regions(network, [points]) == 2


@given(
    width=st.integers(1, 70), depth=st.integers(1, 3), inputs=st.integers(1, 60), seed=st.integers()
)
def test_multilayer_perceptrons(width, depth, inputs, seed):
    linear = [nn.Linear(width if index else 2, width, bias=False) for index in range(depth)]
    layers = [layer for each in linear for layer in (each, nn.ReLU())]
    x = points = images(inputs, 2, seed=seed % 2**32).round(decimals=1)
    network = randomise(nn.Sequential(*layers), seed=seed % 2**32)
    patterns = []
    for each in linear:
        x = (x @ each.weight.T).clamp(min=0)
        patterns.append(x > 0)
    assert count_regions(network, [points]) == distinct(*patterns)
    # Batches make no difference where there is no BatchNorm.
    assert count_regions(network, points.split(7)) == distinct(*patterns)


WAYS = {
    "layer": nn.ReLU(),
    "layer in place": nn.ReLU(inplace=True),
    "function": Function(F.relu),
    "function in place": Function(lambda x: F.relu(x, inplace=True)),
    "method": Function(lambda x: x.relu()),
    "method in place": Function(lambda x: x.relu_()),
    "torch": Function(torch.relu),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_call_relu_counts(way):
    convolution = randomise(nn.Conv2d(1, 2, 2))
    inputs = images(60, 1, 3, 3)
    expected = distinct(convolution(inputs) > 0)
    assert 1 < expected < 60
    assert count_regions(nn.Sequential(convolution, WAYS[way]), [inputs]) == expected


def test_a_relu_that_is_shared_counts_at_every_call():
    first, second, shared = nn.Conv2d(1, 2, 2), nn.Conv2d(2, 1, 2), nn.ReLU()
    network = randomise(nn.Sequential(first, shared, second, shared))
    inputs = images(300, 1, 3, 3)
    hidden = first(inputs).clamp(min=0)
    expected = distinct(hidden > 0, second(hidden) > 0)
    assert expected > distinct(hidden > 0)
    assert count_regions(network, [inputs]) == expected


def test_relus_of_feature_maps_count_alone():
    body = [nn.Conv2d(1, 2, 2), nn.ReLU()]
    head = [nn.Flatten(), nn.Linear(8, 20), nn.ReLU()]
    network = randomise(nn.Sequential(*body, *head))
    inputs = images(300, 1, 3, 3)
    expected = distinct(body[0](inputs) > 0)
    assert count_regions(network, [inputs]) == expected
    # Without a 4-D ReLU all of them count.
    assert count_regions(network[2:], [F.relu(body[0](inputs))]) > expected


def test_every_batch_has_its_own_statistics():
    norm = nn.BatchNorm2d(1)
    norm.running_mean.fill_(100.0)
    network = nn.Sequential(norm, nn.ReLU())
    values = torch.tensor([1.0, 2.0, 11.0, 12.0]).view(4, 1, 1, 1)
    assert count_regions(network, [values]) == 2
    # Within each batch one value is above the mean and one is below.
    assert count_regions(network, values.split(2)) == 2
    assert count_regions(network, [values[:1]]) == 1
    constant = torch.full((4, 1, 1, 1), 5.0)
    assert count_regions(network, [constant]) == 1


def test_agrees_with_patterns_of_batch_norm_in_training():
    convolution, norm = nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3)
    network = randomise(nn.Sequential(convolution, norm, nn.ReLU()))
    batches = images(500, 1, 3, 3).split(200)
    patterns = [norm.train()(convolution(each)) > 0 for each in batches]
    assert count_regions(network, batches) == distinct(torch.cat(patterns))


def test_networks_without_pieces_are_named():
    for activation in (nn.GELU(), nn.Sigmoid(), nn.Hardswish(), nn.SiLU(), nn.Identity()):
        with pytest.raises(NoRegionsError, match="Sequential has no piecewise-linear") as caught:
            count_regions(nn.Sequential(nn.Linear(4, 4), activation), [torch.zeros(2, 4)])
        assert isinstance(caught.value, InputError)


def test_the_network_and_the_inputs_are_unchanged():
    network = randomise(mixed_training())
    network.insert(0, nn.ReLU(inplace=True))
    before, inputs = state_of(network), images(9, 3, 6, 6)
    kept = inputs.clone()
    first = count_regions(network, [inputs])
    assert torch.equal(inputs, kept)
    assert state_of(network) == before
    assert count_regions(network, [inputs]) == first
    with pytest.raises(RuntimeError):
        count_regions(network, [images(9, 2, 6, 6)])
    assert state_of(network) == before


def test_gradients_are_not_recorded():
    network = randomise(cnn())
    seen = []
    network.classifier.register_forward_hook(lambda m, a, out: seen.append(out.requires_grad))
    count_regions(network, [images(4, 3, 5, 5)])
    assert seen and not any(seen)


def test_the_relus_of_a_transformer_are_seen():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    assert 1 < count_regions(randomise(layer), [images(20, 5, 8)]) <= 20


def test_region_inputs_are_reproducible_normal_and_in_batches():
    batches = region_inputs((1, 3, 3), samples=2500, batch_size=1000, seed=4)
    assert [each.shape for each in batches] == [(1000, 1, 3, 3), (1000, 1, 3, 3), (500, 1, 3, 3)]
    torch.manual_seed(0)
    again = region_inputs((1, 3, 3), samples=2500, batch_size=1000, seed=4)
    assert all(torch.equal(*pair) for pair in zip(batches, again, strict=True))
    assert not torch.equal(
        batches[0], region_inputs((1, 3, 3), samples=2500, batch_size=1000, seed=5)[0]
    )
    values = torch.cat(batches)
    assert abs(values.mean()) < 0.02 and abs(values.std() - 1) < 0.02
    assert values.dtype == torch.float32


# Every piecewise-linear activation


THRESHOLDS = {
    "ReLU6": (nn.ReLU6(), (0.0, 6.0)),
    "hardtanh": (nn.Hardtanh(-0.5, 0.3, inplace=True), (-0.5, 0.3)),
    "hardtanh function": (Function(lambda x: F.hardtanh(x, -0.2, 0.2)), (-0.2, 0.2)),
    "leaky": (nn.LeakyReLU(0.1, inplace=True), (0.0,)),
    "PReLU": (nn.PReLU(2), (0.0,)),
    "RReLU": (nn.RReLU(), (0.0,)),
    "hardsigmoid": (Function(lambda x: F.hardsigmoid(8 * x)), (-3 / 8, 3 / 8)),
    "threshold": (nn.Threshold(0.4, -1.0), (0.4,)),
    "softshrink": (nn.Softshrink(0.3), (-0.3, 0.3)),
    "hardshrink": (nn.Hardshrink(0.3), (-0.3, 0.3)),
    "clamp": (Function(lambda x: x.clamp(-0.1, 0.6)), (-0.1, 0.6)),
    "clip above": (Function(lambda x: torch.clip(x, max=0.2)), (0.2,)),
    "clamp_min": (Function(lambda x: x.clamp_min_(0.2)), (0.2,)),
    "abs": (Function(torch.abs), (0.0,)),
    "maximum": (Function(lambda x: torch.maximum(x, 0 * x + 0.3)), (0.3,)),
    "max": (Function(lambda x: torch.max(x, 0 * x + 0.3)), (0.3,)),
}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_piece_of_an_activation_counts(name):
    activation, thresholds = THRESHOLDS[name]
    convolution = randomise(nn.Conv2d(1, 2, 2))
    inputs = images(80, 1, 3, 3)
    values = convolution(inputs)
    expected = distinct(*(values > each for each in thresholds))
    found = measure_regions(nn.Sequential(convolution, activation.double()), [inputs])
    assert found.count == expected > 1
    assert sum(found.counted.values()) == 8 and not found.uncounted


def test_max_pools_count_where_they_are_asked_for():
    network, inputs = nn.Sequential(nn.MaxPool2d(2), nn.ReLU()), images(200, 1, 2, 2)
    assert count_regions(network, [inputs]) == 2
    found = measure_regions(network, [inputs], max_pool=True)
    # The first of four wins, or another, and the largest is positive or not.
    expected = distinct(F.one_hot(inputs.flatten(1).argmax(1), 4), inputs.amax((2, 3)) > 0)
    assert found.count == expected > 4
    assert found.counted == {"max_pool2d": 1, "relu": 1}
    with pytest.raises(NoRegionsError, match="it has max_pool2d"):
        count_regions(network[:1], [inputs])


def gated(activation: nn.Module) -> nn.Module:
    """Feature maps scaled by a gate with one ReLU."""
    first, gate = nn.Conv2d(1, 8, 2), nn.Conv2d(8, 1, 1)

    def forward(x: Tensor, first: nn.Module, gate: nn.Module) -> Tensor:
        y = activation(first(x))
        return y * F.relu(gate(y.mean((2, 3), keepdim=True)))

    return randomise(Function(forward, first, gate))


def test_what_is_not_counted_is_said():
    inputs = images(50, 1, 3, 3)
    with pytest.warns(RegionsWarning, match="of relu alone, 1 of 33 units: silu"):
        assert count_regions(gated(nn.SiLU()), [inputs]) <= 2
    found = measure_regions(gated(nn.LeakyReLU()), [inputs])
    assert found.counted == {"leaky_relu": 32, "relu": 1}
    assert not found.of_activations()


def test_a_count_at_its_ceiling_is_said():
    network = randomise(nn.Sequential(nn.Flatten(), nn.Linear(9, 60), nn.ReLU()))
    with pytest.warns(RegionsWarning, match="at their ceiling, 39 of 40 inputs"):
        assert count_regions(network, [images(40, 1, 3, 3)]) == 39


SMOOTH = {
    "gelu": nn.GELU(approximate="tanh"),
    "silu": nn.SiLU(inplace=True),
    "hardswish": nn.Hardswish(),
    "elu": nn.ELU(inplace=True),
    "celu": nn.CELU(2.0),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(2.0),
    "logsigmoid": nn.LogSigmoid(),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_activations_count_by_the_sign_of_what_enters_them(name):
    convolution = randomise(nn.Conv2d(1, 2, 2))
    inputs = images(80, 1, 3, 3)
    network = nn.Sequential(convolution, SMOOTH[name])
    found = measure_regions(network, [inputs], smooth=True)
    assert found.count == distinct(convolution(inputs) > 0) > 1
    assert found.signs == found.counted == {name: 8} and not found.uncounted
    with pytest.warns(RegionsWarning, match=f"signs of what enters {name}, and not one of linear"):
        assert count_regions(network, [inputs], smooth=True) == found.count
    with pytest.raises(NoRegionsError, match=f"it has {name}"):
        count_regions(network, [inputs])


def test_signs_are_counted_beside_pieces_and_gates_never_are():
    network, inputs = gated(nn.SiLU()), images(50, 1, 3, 3)
    found = measure_regions(network, [inputs], smooth=True)
    assert (found.counted, found.signs) == ({"silu": 32, "relu": 1}, {"silu": 32})
    assert found.count > measure_regions(network, [inputs]).count
    assert any("silu counts by the sign" in each for each in found.cautions())
    with pytest.raises(NoRegionsError, match="it has sigmoid, tanh"):
        count_regions(nn.Sequential(nn.Sigmoid(), nn.Tanh()), [inputs], smooth=True)


def test_what_has_pieces_is_counted_alike():
    network, inputs = gated(nn.ReLU6()), images(50, 1, 3, 3)
    assert measure_regions(network, [inputs], smooth=True) == measure_regions(network, [inputs])


def test_an_undefined_count_takes_two_inputs():
    seen = []
    network = Function(lambda x: (seen.append(len(x)), F.gelu(x))[1])
    with pytest.raises(NoRegionsError, match="it has gelu"):
        count_regions(network, [images(1000, 1, 3, 3)])
    assert sum(seen) == 2


# Which row is which input


def encoder(batch_first: bool) -> nn.Module:
    """A transformer layer over sequences of four, the index of the input behind or first."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0, batch_first=batch_first)

    def forward(x: Tensor, layer: nn.Module) -> Tensor:
        x = x if batch_first else x.transpose(0, 1)
        return layer(x).mean(1 if batch_first else 0)

    return Function(forward, layer.double())


def windows(x: Tensor, layer: nn.Module) -> Tensor:
    """Each input in two parts, folded into the batch."""
    return F.relu(layer(x.reshape(2 * len(x), 2))).reshape(len(x), 2 * 3)


def shuffled(x: Tensor, layer: nn.Module) -> Tensor:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return F.relu(F.relu(layer(x[order]))[order.argsort()] - 0.3)


def flipped(x: Tensor, layer: nn.Module) -> Tensor:
    return F.relu(F.relu(layer(x).flip(0)).flip(0) - 0.3)


def by_size(x: Tensor, layer: nn.Module) -> Tensor:
    order = x.sum(1).argsort()
    return F.relu(F.relu(layer(x[order]))[order.argsort()] - 0.3)


def test_sequences_first_are_those_of_inputs_first():
    inputs = images(60, 4, 4)
    expected = measure_regions(encoder(True), [inputs])
    found = measure_regions(encoder(False), [inputs])
    assert not expected.one_by_one and found.one_by_one
    assert found.count == expected.count > 4


@pytest.mark.parametrize("inputs", [2, 3, 5, 60])
@pytest.mark.parametrize("way", [shuffled, flipped, by_size, windows], ids=lambda f: f.__name__)
def test_layers_that_see_the_batch_otherwise(way, inputs):
    layer = randomise(nn.Linear(2 if way is windows else 4, 3))
    points = images(inputs, 4)
    if way is windows:
        expected = distinct(layer(points.reshape(-1, 2, 2)).reshape(inputs, 6) > 0)
    else:
        hidden = layer(points).clamp(min=0)
        expected = distinct(hidden > 0, hidden > 0.3)
    assert measure_regions(Function(way, layer), [points]).count == expected


def test_inputs_alone_have_the_statistics_of_their_pass():
    convolution, norm = randomise(nn.Conv2d(1, 2, 2)), nn.BatchNorm2d(2).double()
    network = Function(lambda x, *layers: F.relu(norm(convolution(x.flip(0)))).flip(0).flatten(1))
    inputs = images(60, 1, 3, 3)
    found = measure_regions(network, [inputs])
    assert found.one_by_one
    assert found.count == distinct(norm.train()(convolution(inputs)) > 0)


def test_activations_of_parameters_are_no_rows():
    scale = nn.Parameter(torch.linspace(-1.0, 1.0, 30).double())
    layer = randomise(nn.Linear(2, 3))
    network = Function(
        lambda x, layer: F.relu(layer(x)) * F.hardtanh(scale, -0.3, 0.2).sum(), layer
    )
    points = images(30, 2)
    found = measure_regions(network, [points])
    assert not found.one_by_one
    assert found.count == distinct(layer(points) > 0) < 30
    # Of passes of any size, one of which has as many inputs as the parameter has numbers.
    for parts in ([30, 1], [30, 2, 9], [1, 30], [5, 30, 7], [3, 40]):
        points = images(sum(parts), 2)
        expected = distinct(layer(points) > 0)
        assert measure_regions(network, points.split(parts)).count == expected


def test_a_norm_written_by_hand_keeps_its_rows():
    layer = randomise(nn.Linear(2, 3))
    network = Function(lambda x, layer: F.relu(layer(x) - layer(x).mean(0)), layer)
    points = images(60, 2)
    found = measure_regions(network, [points])
    assert not found.one_by_one
    assert found.count == distinct(layer(points) > layer(points).mean(0))


def test_what_mixes_inputs_out_of_order_is_refused():
    network = Function(lambda x: F.relu(x.flip(0) + x.cumsum(0)))
    with pytest.raises(InputError, match="can't tell which activations of Function belong to"):
        count_regions(network, [images(20, 3)])


# Passes


def test_passes_without_batch_norm_stay_within_their_memory(monkeypatch):
    seen = []
    layer = randomise(nn.Linear(2, 3))
    network = Function(lambda x, layer: (seen.append(len(x)), F.relu(layer(x)))[1], layer)
    points = images(200, 2)
    expected = measure_regions(network, [points])
    assert max(seen) == 200
    seen.clear()
    monkeypatch.setattr("tegnas.regions.probe.PASS_BYTES", 50 * 100)
    assert measure_regions(network, [points]) == expected
    assert max(seen) < 100


def test_a_pass_with_batch_norm_that_needs_more_than_the_machine_has_is_refused(monkeypatch):
    network = nn.Sequential(nn.BatchNorm1d(2), nn.ReLU()).double()
    monkeypatch.setattr("tegnas.regions.probe.PASS_BYTES", 10)
    assert count_regions(network, [images(30, 2)]) == 4  # takes more than wished for, not than is
    monkeypatch.setattr("os.sysconf", lambda name: 10)
    with pytest.raises(InputError, match="one pass of 30 inputs through Sequential needs at least"):
        count_regions(network, [images(30, 2)])


def test_progress_counts_inputs():
    done = []
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).double()
    measure_regions(network, images(50, 2).split(20), progress=done.append)
    assert done == [20, 40, 50]
