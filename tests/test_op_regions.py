"""pack_signs, count_regions and pattern_distances bit by bit and row by row."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensors import by_threads, layouts, seeds, tensor

from tegnas import ops
from tegnas.errors import InputError
from tegnas.reference import regions

dtypes = st.sampled_from([torch.float32, torch.float64, torch.bool])


@st.composite
def activations(draw):
    inputs = draw(st.integers(0, 7))
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        features = draw(st.lists(st.integers(0, 9), max_size=3))
        dtype = draw(dtypes)
        made = tensor((inputs, *features), seed=draw(seeds), layout=draw(layouts))
        layers.append(made > 0 if dtype == torch.bool else made.to(dtype))
    return layers


@given(activations())
def test_bits_are_the_signs(layers):
    got, expected = ops.pack_signs(layers), regions.pack_signs(layers)
    assert got.dtype == torch.int64 and torch.equal(got, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bool])
@pytest.mark.parametrize("features", [1, 63, 64, 65, 127, 128, 129, 1000])
def test_features_around_the_size_of_a_word(features, dtype):
    values = tensor((5, features), seed=features)
    values = values > 0 if dtype == torch.bool else values.to(dtype)
    layers = [values, values[:, :1], values]
    assert torch.equal(ops.pack_signs(layers), regions.pack_signs(layers))


def test_zero_of_either_sign_and_nan_are_not_positive():
    values = torch.tensor([[0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, -1e-45]])
    for dtype in (torch.float32, torch.float64):
        assert ops.pack_signs([values.to(dtype)]).item() == 0b0101000


@given(st.integers(1, 60), st.integers(0, 3), st.integers(0, 2), seeds)
def test_count_is_the_number_of_distinct_rows(inputs, words, spread, seed):
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randint(-spread, spread + 1, (inputs, words), generator=generator)
    assert torch.equal(ops.count_regions(patterns), regions.count_regions(patterns))
    assert ops.count_regions(patterns) == (len(torch.unique(patterns, dim=0)) if words else 1)


@given(st.integers(0, 4), st.integers(0, 20), seeds)
def test_counts_of_several_networks(networks, inputs, seed):
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randint(0, 2, (networks, inputs, 2), generator=generator)
    assert torch.equal(ops.count_regions(patterns), regions.count_regions(patterns))
    transposed = patterns.mT.contiguous().mT
    assert torch.equal(ops.count_regions(transposed), regions.count_regions(patterns))


@given(st.integers(0, 3), st.integers(0, 14), st.integers(0, 4), seeds)
def test_distances_are_the_bits_that_differ(networks, inputs, words, seed):
    generator = torch.Generator().manual_seed(seed)
    bounds = torch.iinfo(torch.int64)
    shape = (networks, inputs, words)
    patterns = torch.randint(bounds.min, bounds.max, shape, generator=generator)
    expected = regions.pattern_distances(patterns)
    assert torch.equal(ops.pattern_distances(patterns), expected)
    assert torch.equal(ops.pattern_distances(patterns.mT.contiguous().mT), expected)
    for network in range(networks):
        assert torch.equal(ops.pattern_distances(patterns[network]), expected[network])


def test_rows_that_differ_in_one_bit_are_never_merged():
    bits = torch.eye(640, dtype=torch.bool)
    patterns = ops.pack_signs([torch.cat([bits, bits, torch.zeros(2, 640, dtype=torch.bool)])])
    assert ops.count_regions(patterns) == 641


def test_agrees_with_the_way_of_the_paper():
    values = tensor((300, 30), dtype=torch.float32, seed=4)
    values[100:150] = values[:50]
    counted = int(ops.count_regions(ops.pack_signs([values])))
    assert counted == regions.count_regions_pairwise([values]) == 250


def test_the_number_of_threads_changes_nothing():
    layers = [tensor((100, 7, 9), seed=1), tensor((100, 130), seed=2)]
    one, three = by_threads(lambda: ops.pack_signs(layers), 1, 3)
    assert torch.equal(one, three)


def test_counter_over_batches():
    values = tensor((90, 11), seed=3)
    counter = ops.RegionCounter()
    assert counter.count() == 0
    for batch in (values[:40], values[40:], values[:13], values[:0]):
        counter.add([batch[:, :5], batch[:, 5:]])
    assert counter.count() == len(torch.unique(values > 0, dim=0))
    with pytest.raises(InputError, match="same layers"):
        counter.add([tensor((4, 100))])


BAD = {
    "at least one tensor": lambda: ops.pack_signs([]),
    "same number of inputs": lambda: ops.pack_signs([torch.ones(2, 3), torch.ones(3, 3)]),
    "float32, float64 or bool": lambda: ops.pack_signs([torch.ones(2, 3).int()]),
    "must be int64": lambda: ops.count_regions(torch.ones(2, 3)),
    "must have shape": lambda: ops.count_regions(torch.ones(3, dtype=torch.int64)),
    "pattern_distances: patterns must be int64": lambda: ops.pattern_distances(torch.ones(2, 3)),
    "pattern_distances: patterns must have shape": lambda: ops.pattern_distances(
        torch.ones(3, dtype=torch.int64)
    ),
}


@pytest.mark.parametrize("words", BAD)
def test_operands_that_do_not_fit_get_one_sentence(words):
    with pytest.raises((ValueError, TypeError), match=words):
        BAD[words]()


def test_opcheck():
    layers = [tensor((5, 70), seed=1), tensor((5, 3, 2), seed=2) > 0]
    torch.library.opcheck(torch.ops.tegnas.pack_signs.default, (layers,))
    patterns = ops.pack_signs(layers)
    torch.library.opcheck(torch.ops.tegnas.count_regions.default, (patterns,))
    torch.library.opcheck(torch.ops.tegnas.count_regions.default, (patterns.expand(3, -1, -1),))
