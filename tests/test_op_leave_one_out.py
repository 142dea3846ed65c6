"""leave_one_out against inverses by torch.linalg, and the contract for singular kernels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensors import by_threads, float_dtypes, psd, seeds

from tegnas import ops, reference

EPSILON = torch.finfo(torch.float64).eps


def assert_equals_the_reference(kernels: torch.Tensor, rtol: float = 1e-8) -> None:
    for got, expected in zip(
        ops.leave_one_out(kernels), reference.leave_one_out(kernels), strict=True
    ):
        torch.testing.assert_close(got, expected, rtol=rtol, atol=0)


def scaled(kernels: torch.Tensor, seed: int) -> torch.Tensor:
    """With gradients of very different lengths."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randn(kernels.shape[:-1], generator=generator, dtype=torch.float64).exp()
    return kernels * lengths[..., :, None] * lengths[..., None, :]


@given(st.integers(0, 5), st.integers(1, 40), float_dtypes, st.booleans(), seeds)
def test_equals_the_reference(count, n, dtype, transposed, seed):
    kernels = scaled(psd(count, n, seed=seed, extra=n), seed).to(dtype)
    if transposed:
        kernels = kernels.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert_equals_the_reference(kernels)


@pytest.mark.parametrize("n", [63, 64, 65, 129, 137])
def test_awkward_sizes(n):
    assert_equals_the_reference(scaled(psd(3, n, seed=n), n), rtol=1e-7)


def test_bad_kernels_are_infinite_and_spoil_no_neighbour():
    kernels = psd(9, 12)
    expected = ops.leave_one_out(kernels)
    kernels[0] = 0
    kernels[1, :, 4] = kernels[1, :, 7]
    kernels[1, 4, :] = kernels[1, 7, :]  # a repeated image
    kernels[2] = -kernels[2]
    kernels[3, 6, 2] = math.nan
    kernels[4, 11, 0] = math.inf
    kernels[5, 5, 5] = math.inf
    kernels[6, 0, 0] = 0.0
    kernels[7, 0, 0] = 1e-320  # its inverse isn't finite
    for got, before in zip(ops.leave_one_out(kernels), expected, strict=True):
        assert (got[:8] == math.inf).all()
        assert got[8] == before[8]


@pytest.mark.parametrize(("factor", "finite"), [(0.9, False), (1.1, True)])
def test_a_pivot_of_the_scaled_kernel_decides(factor, finite):
    n = 4
    kernel = torch.eye(n, dtype=torch.float64)
    kernel[1, 0] = kernel[0, 1] = math.sqrt(1 - factor * n * EPSILON)
    # The same with gradients of other lengths: only angles count.
    lengths = 2.0 ** torch.arange(n)
    for each in (kernel, kernel * lengths[:, None] * lengths):
        assert bool(ops.leave_one_out(each).inflation.isfinite()) is finite


def test_one_image_has_nothing_to_be_explained_by():
    assert ops.leave_one_out(torch.tensor([[3.0]])) == (1.0, 1.0)


def test_only_the_lower_triangle_is_read():
    kernels = psd(2, 12)
    spoilt = kernels.tril() + torch.full_like(kernels, math.nan).triu(1)
    for got, expected in zip(ops.leave_one_out(spoilt), ops.leave_one_out(kernels), strict=True):
        assert torch.equal(got, expected)


def test_leading_dimensions_and_no_kernels():
    kernels = psd(6, 10)
    flat = ops.leave_one_out(kernels)
    assert torch.equal(
        ops.leave_one_out(kernels.reshape(2, 3, 10, 10)).error, flat.error.reshape(2, 3)
    )
    assert ops.leave_one_out(kernels[0]).inflation == flat.inflation[0]
    assert ops.leave_one_out(torch.zeros(0, 3, 8, 8)).inflation.shape == (0, 3)


def test_neither_threads_nor_the_other_kernels_change_a_bit():
    kernels = psd(200, 40)  # enough to be worth threads
    results = by_threads(lambda: ops.leave_one_out(kernels), 1, 3)
    alone = ops.leave_one_out(kernels[7:8])
    for one, three, single in zip(*results, alone, strict=True):
        assert torch.equal(one, three)
        assert torch.equal(one[7:8], single)


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        (torch.ones(3, 4), "n of at least 1"),
        (torch.ones(3), "n of at least 1"),
        (torch.ones(2, 0, 0), "n of at least 1"),
        (torch.ones(2, 2).int(), "float32 or float64"),
    ],
)
def test_kernels_that_do_not_fit_get_one_sentence(kernels, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ops.leave_one_out(kernels)


def test_opcheck():
    torch.library.opcheck(torch.ops.tegnas.leave_one_out.default, (psd(3, 4),))


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_routine_for_large_batches_on_a_gpu_gives_the_same(n):
    """There torch's own routines do what the kernel does, with the same ends for what is bad."""
    from tegnas.ops._leave_one_out import _by_library

    kernels = scaled(psd(8, n, seed=n, extra=n), n)
    kernels[1] = 0
    kernels[2, n - 1, 0] = math.nan
    kernels[3] = -kernels[3]
    kernels[4, 0, 0] = 1e-320
    kernels[5, n - 1, n - 1] = math.inf
    kernels[6] = kernels[6, :, :1] @ kernels[6, :, :1].T
    for each in (kernels, kernels.reshape(2, 4, n, n), kernels[0], kernels[:0]):
        for got, expected in zip(_by_library(each), ops.leave_one_out(each), strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-8, atol=0)
    spoilt = kernels.tril() + torch.full_like(kernels, math.nan).triu(1)
    assert torch.equal(_by_library(spoilt).error, _by_library(kernels).error)
    with pytest.raises(TypeError, match=r"float32 or float64, got torch.int32"):
        _by_library(kernels.int())
