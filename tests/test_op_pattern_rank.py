"""pattern_rank against torch.linalg.eigvalsh, known ranks, and the contract for bad matrices."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensors import by_threads, seeds

from tegnas import ops, reference

DTYPES = st.sampled_from([torch.int64, torch.float32, torch.float64])


def distances(
    count: int, n: int, *, units: int = 50, distinct: int | None = None, seed: int = 0
) -> torch.Tensor:
    """In how many units n patterns differ of which ``distinct`` are drawn, int64 (count, n, n)."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randint(0, 2, (count, distinct or n, units), generator=generator)
    patterns = patterns[:, torch.arange(n) % (distinct or n)]
    return (patterns[:, :, None] != patterns[:, None, :]).sum(-1)


def assert_equals_the_reference(given: torch.Tensor) -> None:
    torch.testing.assert_close(
        ops.pattern_rank(given), reference.pattern_rank(given), rtol=1e-11, atol=0, equal_nan=True
    )


@given(st.integers(0, 10), st.integers(1, 40), st.integers(1, 40), DTYPES, st.booleans(), seeds)
def test_equals_the_reference(count, n, distinct, dtype, transposed, seed):
    matrices = distances(count, n, distinct=distinct, seed=seed).to(dtype)
    if transposed:
        matrices = matrices.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert_equals_the_reference(matrices)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 128, 129, 137])
@pytest.mark.parametrize("count", [1, 9])
def test_awkward_sizes(n, count):
    assert_equals_the_reference(distances(count, n, units=400, seed=n))


@pytest.mark.parametrize("n", [9, 130])
@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e290])
def test_a_factor_changes_nothing(n, scale):
    matrices = distances(3, n).double()
    got = ops.pattern_rank(matrices * scale)
    torch.testing.assert_close(got, ops.pattern_rank(matrices), rtol=1e-12, atol=0)


@pytest.mark.parametrize("n", [2, 7, 64, 130])
def test_points_of_known_rank(n):
    everywhere = 1 - torch.eye(n, dtype=torch.int64)
    assert ops.pattern_rank(everywhere).item() == pytest.approx(n - 1, rel=1e-12)
    line = torch.arange(n, dtype=torch.float64)
    on_a_line = (line[:, None] - line[None, :]).square()
    assert ops.pattern_rank(on_a_line).item() == pytest.approx(1, rel=1e-11)


def test_points_with_distances_that_have_negative_eigenvalues():
    """Not squared distances of anything: what lies below zero counts as zero."""
    matrices = distances(5, 20).double().square()
    centring = torch.eye(20, dtype=torch.float64) - 1 / 20
    assert torch.linalg.eigvalsh(-centring @ matrices @ centring).amin() < -1
    assert_equals_the_reference(matrices)


def test_bad_matrices_are_nan_and_spoil_no_neighbour():
    matrices = distances(9, 12).double()
    expected = ops.pattern_rank(matrices)
    matrices[0] = 0
    matrices[1, 3, 4] = matrices[1, 4, 3] = math.nan
    matrices[2, 3, 4] = matrices[2, 4, 3] = math.inf
    got = ops.pattern_rank(matrices)
    assert got[:3].isnan().all()
    assert torch.equal(got[3:], expected[3:])


def test_the_other_matrices_of_a_call_change_no_bit():
    matrices = torch.cat([distances(1, 12, distinct=k % 12 + 1, seed=k) for k in range(35)])
    together = ops.pattern_rank(matrices)
    alone = torch.cat([ops.pattern_rank(matrices[k : k + 1]) for k in range(len(matrices))])
    assert torch.equal(together.nan_to_num(), alone.nan_to_num())


def test_leading_dimensions_and_no_matrices():
    matrices = distances(6, 10)
    flat = ops.pattern_rank(matrices)
    assert torch.equal(ops.pattern_rank(matrices.reshape(2, 3, 10, 10)), flat.reshape(2, 3))
    assert ops.pattern_rank(matrices[0]).shape == ()
    assert ops.pattern_rank(matrices.reshape(2, 3, 10, 10)[:0]).shape == (0, 3)


def test_the_number_of_threads_changes_no_bit():
    matrices = distances(37, 40)
    results = by_threads(lambda: ops.pattern_rank(matrices), 1, 3)
    assert torch.equal(*results)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (torch.ones(3, 4), "n, n"),
        (torch.ones(3), "n, n"),
        (torch.ones(2, 0, 0), "at least 1"),
        (torch.ones(2, 2).int(), "int64, float32 or float64"),
    ],
)
def test_matrices_that_do_not_fit_get_one_sentence(given, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ops.pattern_rank(given)


def test_opcheck():
    for each in (distances(3, 4), distances(6, 4).double().reshape(2, 3, 4, 4)):
        torch.library.opcheck(torch.ops.tegnas.pattern_rank.default, (each,))


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_routine_for_many_inputs_on_a_gpu_gives_the_same(n):
    from tegnas.ops._pattern_rank import _by_library

    matrices = distances(6, n, seed=n).double()
    matrices[1] = 0
    matrices[2, n - 1, 0] = math.nan
    expected, got = ops.pattern_rank(matrices), _by_library(matrices)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=0, equal_nan=True)
