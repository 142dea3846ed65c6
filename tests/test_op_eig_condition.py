"""eig_condition against torch.linalg.eigvalsh, and the contract for singular matrices."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensors import by_threads, float_dtypes, psd, seeds, tensor

from tegnas import ops
from tegnas.reference import eigen

EPSILON = torch.finfo(torch.float64).eps


def assert_extremes(gram: torch.Tensor) -> None:
    """Eigenvalues within the bound that is promised: a few n·ε of the norm."""
    got, expected = ops.eig_condition(gram), eigen.eig_condition(gram)
    norm = torch.maximum(expected[0].abs(), expected[1].abs())
    bound = 4 * gram.shape[-1] * EPSILON * norm
    for ours, theirs in zip(got[:2], expected[:2], strict=True):
        assert ours.shape == theirs.shape and ours.dtype == torch.float64
        assert ((ours - theirs).abs() <= bound).all()


@given(st.integers(1, 40), st.integers(0, 20), float_dtypes, seeds)
def test_extremes_of_symmetric_matrices(size, count, dtype, seed):
    matrices = tensor((count, size, size), dtype=dtype, seed=seed)
    assert_extremes(matrices + matrices.mT)


@pytest.mark.parametrize("size", [1, 2, 3, 63, 64, 65, 128, 129, 137])
@pytest.mark.parametrize("count", [1, 9])
def test_awkward_sizes(size, count):
    assert_extremes(psd(count, size, seed=size))


def spectrum(values: torch.Tensor, count: int = 9) -> torch.Tensor:
    """Matrices with these eigenvalues in random bases."""
    size = len(values)
    basis = torch.linalg.qr(tensor((count, size, size), seed=size))[0]
    return basis @ torch.diag(values) @ basis.mT


SPECTRA = {
    "one dominates, as in an NTK": torch.logspace(-6, 0, 64).square(),
    "clusters at both ends": torch.cat([torch.ones(20), torch.full((20,), 3.0)]),
    "all equal": torch.full((17,), 2.5),
    "tiny": torch.linspace(1, 2, 33).double() * 1e-290,
    "huge": torch.linspace(1, 2, 33).double() * 1e290,
    "negative": torch.linspace(-5, -1, 24),
    "singular": torch.cat([torch.zeros(31), torch.ones(1)]),
}


def test_the_other_matrices_of_a_call_change_no_bit():
    # A well-conditioned matrix needs fewer steps than its neighbours.
    matrices = torch.stack(
        [psd(1, 12, seed=seed)[0].matrix_power(seed % 3 + 1) for seed in range(11)]
    )
    together = ops.eig_condition(matrices)
    for k in range(len(matrices)):
        alone = ops.eig_condition(matrices[k : k + 1])
        assert all(torch.equal(a[k : k + 1], b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("name", SPECTRA)
def test_hard_spectra(name):
    values = SPECTRA[name].double()
    matrices = spectrum(values)
    assert_extremes(matrices)
    assert_extremes(matrices[:1])


@pytest.mark.parametrize("size", [1, 5, 64])
def test_diagonal_and_zero_matrices(size):
    diagonal = torch.diag_embed(tensor((9, size), seed=1))
    got = ops.eig_condition(diagonal)
    entries = diagonal.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(got.lambda_min, entries.amin(-1), rtol=0, atol=1e-14)
    torch.testing.assert_close(got.lambda_max, entries.amax(-1), rtol=0, atol=1e-14)
    zero = ops.eig_condition(torch.zeros(9, size, size))
    assert (zero.condition == math.inf).all()
    assert zero.lambda_max.abs().max() < 1e-200


@given(st.integers(1, 30), st.integers(1, 12), seeds)
def test_condition_is_the_ratio_or_infinite(size, count, seed):
    gram = psd(count, size, seed=seed, extra=0)
    low, high, condition = ops.eig_condition(gram)
    singular = low <= size * EPSILON * high
    assert torch.equal(condition[~singular], (high / low)[~singular])
    assert (condition[singular] == math.inf).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("count", [1, 9])
def test_what_is_not_finite_is_infinitely_ill_conditioned_and_spoils_no_neighbour(bad, count):
    gram = psd(count, 12)
    expected = ops.eig_condition(gram)
    gram[0, 5, 3] = bad
    got = ops.eig_condition(gram)
    assert got.condition[0] == math.inf and got.lambda_min[0].isnan()
    for ours, theirs in zip(got, expected, strict=True):
        assert torch.equal(ours[1:], theirs[1:])


def test_only_the_lower_triangle_is_read():
    gram = psd(9, 20)
    spoilt = gram.tril() + torch.full_like(gram, math.nan).triu(1)
    for ours, theirs in zip(ops.eig_condition(spoilt), ops.eig_condition(gram), strict=True):
        assert torch.equal(ours, theirs)


def test_leading_dimensions_strides_and_no_matrices():
    gram = psd(6, 10).reshape(2, 3, 10, 10)
    flat = ops.eig_condition(gram.reshape(6, 10, 10))
    assert torch.equal(ops.eig_condition(gram).condition, flat.condition.reshape(2, 3))
    strided = gram.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)
    assert torch.equal(ops.eig_condition(strided).condition, flat.condition.reshape(2, 3))
    assert ops.eig_condition(gram[0, 0]).condition.shape == ()
    assert ops.eig_condition(gram[:0]).condition.shape == (0, 3)


def test_the_number_of_threads_changes_no_bit():
    gram = psd(37, 30)
    results = by_threads(lambda: ops.eig_condition(gram), 1, 3)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize(
    ("gram", "words"),
    [
        (torch.ones(3, 4), "square"),
        (torch.ones(3), "square"),
        (torch.ones(2, 0, 0), "size 0"),
        (torch.ones(2, 2).int(), "float32 or float64"),
    ],
)
def test_matrices_that_do_not_fit_get_one_sentence(gram, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ops.eig_condition(gram)


def test_opcheck():
    for gram in (psd(3, 4), psd(6, 4).float().reshape(2, 3, 4, 4)):
        torch.library.opcheck(torch.ops.tegnas.eig_condition.default, (gram,))


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_routine_for_large_matrices_on_a_gpu_gives_the_same(n):
    """There torch's own routine does what the kernel does, with the same ends for what is bad."""
    from tegnas.ops._eigen import _by_library

    gram = psd(6, n, seed=n, extra=5)
    gram[1] = 0
    gram[2, n - 1, 0] = math.nan
    gram[3] = -gram[3]
    expected, got = ops.eig_condition(gram), _by_library(gram)
    torch.testing.assert_close(got.condition, expected.condition, rtol=1e-9, atol=0)
    torch.testing.assert_close(
        got.lambda_max, expected.lambda_max, rtol=1e-9, atol=1e-12, equal_nan=True
    )
