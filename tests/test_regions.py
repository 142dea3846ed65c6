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
from tegnas.regions import NoRegionsError, region_inputs


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
