"""ntk_gram against the Jacobian written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensors import by_threads, float_dtypes, layouts, relative_error, seeds, tensor
from torch import Tensor

from tegnas import ops
from tegnas.errors import InputError
from tegnas.reference import gram as reference

# The Jacobian's entries are in the operands' precision, their products in float64.
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-12}

sizes = st.integers(0, 5)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw, networks: int):
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    groups = draw(st.integers(1, 3))
    inputs, outputs = (groups * draw(st.integers(0, 20)) for _ in range(2))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = [
        max(0, (s + 2 * p - r) // t + 1) if s + 2 * p >= r else 0
        for s, p, r, t in zip(size, padding, reach, stride, strict=True)
    ]
    dtype, seed, layout = draw(float_dtypes), draw(seeds), draw(layouts)
    return lambda images, seed=seed: ops.Conv2dTerm(
        tensor((networks, images, inputs, *size), dtype=dtype, seed=seed, layout=layout),
        tensor((networks, images, outputs, *out), dtype=dtype, seed=seed + 1, layout=layout),
        kernel_size=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@st.composite
def linears(draw, networks: int):
    positions, inputs, outputs = draw(st.integers(0, 40)), draw(sizes) * 7, draw(sizes) * 9
    dtype, seed, layout = draw(float_dtypes), draw(seeds), draw(layouts)
    return lambda images, seed=seed: ops.LinearTerm(
        tensor((networks, images, positions, inputs), dtype=dtype, seed=seed, layout=layout),
        tensor((networks, images, positions, outputs), dtype=dtype, seed=seed + 1, layout=layout),
    )


@st.composite
def scales(draw, networks: int):
    shape = (draw(st.integers(0, 40)), draw(st.integers(0, 40)))
    dtype, seed, layout = draw(float_dtypes), draw(seeds), draw(layouts)
    return lambda images, seed=seed: ops.ScaleTerm(
        tensor((networks, images, *shape), dtype=dtype, seed=seed, layout=layout),
        tensor((networks, images, *shape), dtype=dtype, seed=seed + 1, layout=layout),
    )


@st.composite
def layer_makers(draw):
    """Functions from (images, seed) to a term, all for the same number of networks and images."""
    networks, images = draw(st.integers(0, 3)), draw(st.integers(0, 9))
    kinds = draw(st.lists(st.sampled_from([convolutions, linears, scales]), min_size=1, max_size=4))
    return images, [draw(kind(networks)) for kind in kinds]


def rows(term: ops.LayerTerm, network: int) -> Tensor:
    x, g = term.input[network].double(), term.grad[network].double()
    if isinstance(term, ops.Conv2dTerm):
        geometry = ("kernel_size", "stride", "padding", "dilation", "groups")
        return reference.conv2d_rows(x, g, **{name: getattr(term, name) for name in geometry})
    if isinstance(term, ops.LinearTerm):
        return reference.linear_rows(x, g)
    return reference.scale_rows(x, g)


def expected_gram(layers: list[ops.LayerTerm], other: list[ops.LayerTerm] | None = None) -> Tensor:
    networks, images = layers[0].input.shape[:2]
    others = images if other is None else other[0].input.shape[1]
    result = torch.zeros(networks, images, others, dtype=torch.float64)
    for network in range(networks):
        left = [rows(term, network) for term in layers]
        right = None if other is None else [rows(term, network) for term in other]
        result[network] = reference.ntk_gram(left, right)
    return result


def tolerance(layers: list[ops.LayerTerm]) -> float:
    return max(TOLERANCE[term.input.dtype] for term in layers)


@given(layer_makers())
def test_equals_the_jacobian_times_its_transpose(made):
    images, makers = made
    layers = [make(images) for make in makers]
    got = ops.ntk_gram(layers)
    assert relative_error(got, expected_gram(layers)) < tolerance(layers)
    assert torch.equal(got, got.mT)


@given(layer_makers(), st.integers(0, 7))
def test_cross_kernel_of_two_batches(made, other_images):
    images, makers = made
    layers = [make(images) for make in makers]
    other = [make(other_images, seed=99) for make in makers]
    got = ops.ntk_gram(layers, other)
    assert relative_error(got, expected_gram(layers, other)) < tolerance(layers)


def conv(images: int, inputs: int, outputs: int, size: int, kernel: int, **rest) -> ops.Conv2dTerm:
    out = (size + 2 * rest.get("padding", 0) - kernel) // rest.get("stride", 1) + 1
    return ops.Conv2dTerm(
        tensor((1, images, inputs, size, size), dtype=torch.float32, seed=1),
        tensor((1, images, outputs, out, out), dtype=torch.float32, seed=2),
        (kernel, kernel),
        **rest,
    )


# Each is large enough for another way through the kernel: several panels, channels over several
# vectors, many positions, few positions with many weights, patches instead of pixels.
LARGE = {
    "several panels": lambda: [conv(65, 40, 130, 6, 3, padding=1)],
    "many positions": lambda: [conv(5, 3, 37, 33, 3, padding=1)],
    "contracted pixels": lambda: [conv(33, 96, 96, 3, 3, padding=1)],
    "contracted patches": lambda: [conv(33, 64, 96, 5, 3, stride=2)],
    "awkward sizes": lambda: [conv(129, 17, 19, 7, 1), conv(129, 5, 7, 7, 2)],
    "one position": lambda: [
        ops.LinearTerm(
            tensor((1, 70, 1, 300), dtype=torch.float32, seed=1),
            tensor((1, 70, 1, 200), dtype=torch.float32, seed=2),
        )
    ],
}


@pytest.mark.parametrize("name", LARGE)
def test_large_layers(name):
    layers = LARGE[name]()
    assert relative_error(ops.ntk_gram(layers), expected_gram(layers)) < 2e-6
    other = [
        type(term)(**{**vars(term), "input": term.input[:, :7], "grad": term.grad[:, :7]})
        for term in layers
    ]
    assert relative_error(ops.ntk_gram(layers, other), expected_gram(layers, other)) < 2e-6


@pytest.mark.parametrize("name", LARGE)
def test_the_number_of_threads_changes_no_bit(name):
    layers = LARGE[name]()
    results = by_threads(lambda: ops.ntk_gram(layers), 1, 2, 3)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_batches_of_another_image_size_meet():
    layers = [conv(4, 3, 5, 8, 3, padding=1)]
    other = [conv(6, 3, 5, 6, 3, padding=1)]
    assert relative_error(ops.ntk_gram(layers, other), expected_gram(layers, other)) < 2e-6


def test_what_is_not_finite_stays_visible():
    term = conv(4, 3, 5, 8, 3)
    term.input[0, 2, 0, 4, 4] = float("nan")
    got = ops.ntk_gram([term])[0]
    assert got[2].isnan().all()
    assert got[:2, :2].isfinite().all()


BAD = {
    "at least one layer": lambda: ops.ntk_gram([]),
    "float32 or float64": lambda: ops.ntk_gram(
        [ops.ScaleTerm(torch.ones(1, 2, 3, 4).half(), torch.ones(1, 2, 3, 4).half())]
    ),
    "differ in dtype": lambda: ops.ntk_gram(
        [ops.ScaleTerm(torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 4).double())]
    ),
    "outputs of 8 along dimension 3": lambda: ops.ntk_gram(
        [ops.Conv2dTerm(torch.ones(1, 2, 3, 8, 8), torch.ones(1, 2, 3, 6, 6), 3, padding=1)]
    ),
    "must divide the channels": lambda: ops.ntk_gram(
        [ops.Conv2dTerm(torch.ones(1, 2, 3, 8, 8), torch.ones(1, 2, 3, 8, 8), 1, groups=2)]
    ),
    "same \\(networks, images\\)": lambda: ops.ntk_gram(
        [ops.LinearTerm(torch.ones(1, 2, 1, 3), torch.ones(1, 3, 1, 3))]
    ),
    "the same layers": lambda: ops.ntk_gram(
        [ops.LinearTerm(torch.ones(1, 2, 1, 3), torch.ones(1, 2, 1, 3))],
        [ops.ScaleTerm(torch.ones(1, 2, 1, 3), torch.ones(1, 2, 1, 3))],
    ),
    "differs in channels": lambda: ops.ntk_gram(
        [ops.LinearTerm(torch.ones(1, 2, 1, 3), torch.ones(1, 2, 1, 3))],
        [ops.LinearTerm(torch.ones(1, 2, 1, 3), torch.ones(1, 2, 1, 4))],
    ),
    "one or two numbers": lambda: ops.ntk_gram(
        [ops.Conv2dTerm(torch.ones(1, 2, 3, 8, 8), torch.ones(1, 2, 3, 8, 8), (1, 1, 1))]
    ),
}


@pytest.mark.parametrize("words", BAD)
def test_operands_that_do_not_fit_get_one_sentence(words):
    with pytest.raises((InputError, ValueError, TypeError), match=words) as caught:
        BAD[words]()
    assert "\n" not in str(caught.value).split("Exception raised")[0].strip()


def test_opcheck():
    layers = [
        conv(3, 4, 6, 5, 3, padding=1),
        ops.LinearTerm(torch.ones(1, 3, 2, 5), torch.ones(1, 3, 2, 4)),
    ]
    x, g = [term.input for term in layers], [term.grad for term in layers]
    geometry = [number for term in layers for number in term.geometry]
    for other in ((), (x, g)):
        other_x, other_g = other or ([], [])
        torch.library.opcheck(torch.ops.tegnas.ntk_gram.default, (x, g, other_x, other_g, geometry))
