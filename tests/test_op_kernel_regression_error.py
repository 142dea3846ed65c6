"""kernel_regression_error against torch.linalg, and the contract for singular kernels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensors import float_dtypes, layouts, psd, seeds, tensor

from tegnas import ops
from tegnas.reference import regression


def problem(count, n, m, classes, *, seed=0, dtype=torch.float64, layout="contiguous"):
    return (
        psd(count, n, seed=seed, extra=5).to(dtype),
        tensor((count, m, n), seed=seed + 1, dtype=dtype, layout=layout),
        tensor((n, classes), seed=seed + 2, dtype=dtype, layout=layout),
        tensor((m, classes), seed=seed + 3, dtype=dtype, layout=layout),
    )


@given(
    st.integers(0, 5),
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(0, 20),
    st.sampled_from([0.0, 1e-3, 2.0]),
    float_dtypes,
    layouts,
    seeds,
)
def test_equals_the_reference(count, n, m, classes, ridge, dtype, layout, seed):
    operands = problem(count, n, m, classes, seed=seed, dtype=dtype, layout=layout)
    got = ops.kernel_regression_error(*operands, ridge=ridge)
    expected = regression.kernel_regression_error(*operands, ridge=ridge)
    torch.testing.assert_close(got, expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("n", [63, 64, 65, 129, 200])
def test_awkward_sizes(n):
    operands = problem(3, n, 64, 10)
    torch.testing.assert_close(
        ops.kernel_regression_error(*operands),
        regression.kernel_regression_error(*operands),
        rtol=1e-8,
        atol=0,
    )


def test_training_images_are_predicted_exactly():
    kernel, _, targets, _ = problem(4, 20, 1, 7)
    assert ops.kernel_regression_error(kernel, kernel, targets, targets).max() < 1e-20


def test_singular_and_broken_kernels_are_infinite_and_spoil_no_neighbour():
    k_xx, k_yx, tx, ty = problem(6, 12, 5, 3)
    expected = ops.kernel_regression_error(k_xx, k_yx, tx, ty)
    k_xx[0] = 0
    k_xx[1, :, 4] = k_xx[1, :, 7]
    k_xx[1, 4, :] = k_xx[1, 7, :]  # a repeated image
    k_xx[2] = -k_xx[2]
    k_xx[3, 6, 2] = math.nan
    k_yx[4, 1, 1] = math.inf
    got = ops.kernel_regression_error(k_xx, k_yx, tx, ty)
    assert (got[:5] == math.inf).all()
    assert got[5] == expected[5]


def test_a_ridge_makes_a_singular_kernel_regular():
    k_xx, k_yx, tx, ty = problem(1, 12, 5, 3)
    k_xx = torch.ones_like(k_xx)
    assert ops.kernel_regression_error(k_xx, k_yx, tx, ty).item() == math.inf
    got = ops.kernel_regression_error(k_xx, k_yx, tx, ty, ridge=0.1)
    expected = regression.kernel_regression_error(k_xx, k_yx, tx, ty, ridge=0.1)
    torch.testing.assert_close(got, expected)


def test_only_the_lower_triangle_is_read():
    k_xx, k_yx, tx, ty = problem(2, 12, 5, 3)
    spoilt = k_xx.tril() + torch.full_like(k_xx, math.nan).triu(1)
    assert torch.equal(
        ops.kernel_regression_error(spoilt, k_yx, tx, ty),
        ops.kernel_regression_error(k_xx, k_yx, tx, ty),
    )


def test_leading_dimensions():
    k_xx, k_yx, tx, ty = problem(6, 12, 5, 3)
    flat = ops.kernel_regression_error(k_xx, k_yx, tx, ty)
    nested = ops.kernel_regression_error(
        k_xx.reshape(2, 3, 12, 12), k_yx.reshape(2, 3, 5, 12), tx, ty
    )
    assert torch.equal(nested, flat.reshape(2, 3))
    assert ops.kernel_regression_error(k_xx[0], k_yx[0], tx, ty) == flat[0]


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((2, 3), (1, 3), (3, 1), (1, 1)), "k_xx must be"),
        (((3, 3), (1, 4), (3, 1), (1, 1)), "k_yx must be"),
        (((2, 3, 3), (1, 1, 3), (3, 1), (1, 1)), "k_yx must be"),
        (((3, 3), (1, 3), (4, 1), (1, 1)), "targets must be"),
        (((3, 3), (1, 3), (3, 2), (1, 1)), "targets must be"),
        (((0, 0), (1, 0), (0, 1), (1, 1)), "n of at least 1"),
    ],
)
def test_operands_that_do_not_fit_get_one_sentence(shapes, words):
    with pytest.raises(ValueError, match=words):
        ops.kernel_regression_error(*(torch.ones(shape) for shape in shapes))


def test_opcheck():
    torch.library.opcheck(
        torch.ops.tegnas.kernel_regression_error.default, (*problem(3, 4, 5, 2), 0.5)
    )


@pytest.mark.parametrize(("n", "m", "ridge"), [(1, 3, 0.0), (20, 5, 1e-3), (20, 0, 0.0)])
def test_the_routine_for_large_kernels_on_a_gpu_gives_the_same(n, m, ridge):
    """There torch's own routines do what the kernel does, with +inf for the same kernels."""
    from tegnas.ops._regression import _by_library

    k_xx, k_yx, x, y = problem(5, n, m, 3, seed=n)
    k_xx[1] = 0
    k_xx[2, n - 1, n - 1] = math.nan
    k_xx[3] = -k_xx[3]
    got = _by_library(k_xx, k_yx, x, y, ridge)
    expected = ops.kernel_regression_error(k_xx, k_yx, x, y, ridge=ridge)
    torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-12)
    with pytest.raises(ValueError, match="got .*7, "):
        _by_library(k_xx, k_yx, x, torch.zeros(7, 3, dtype=torch.float64), ridge)
