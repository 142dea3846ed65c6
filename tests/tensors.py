"""Random tensors of every layout that operators must cope with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

LAYOUTS = ("contiguous", "reversed", "sliced", "expanded")


def tensor(
    shape: tuple[int, ...],
    *,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    layout: str = "contiguous",
) -> Tensor:
    """Standard normal numbers: stored as they are, with the dimensions in reverse order, as every
    second element of a larger tensor, or as one image for all (second dimension of stride 0)."""
    generator = torch.Generator().manual_seed(seed)

    def randn(*sizes: int) -> Tensor:
        return torch.randn(sizes, generator=generator, dtype=torch.float64).to(dtype)

    if layout == "reversed":
        order = list(reversed(range(len(shape))))
        return randn(*(shape[d] for d in order)).permute(order)
    if layout == "sliced":
        return randn(*(2 * size for size in shape))[tuple(slice(1, None, 2) for _ in shape)]
    if layout == "expanded" and len(shape) > 1:
        return randn(shape[0], 1, *shape[2:]).expand(shape)
    return randn(*shape)


layouts = st.sampled_from(LAYOUTS)
float_dtypes = st.sampled_from([torch.float32, torch.float64])
seeds = st.integers(0, 2**20)


def relative_error(got: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest magnitude; 0 for empty tensors."""
    assert got.shape == expected.shape and got.dtype == expected.dtype
    if got.numel() == 0:
        return 0.0
    return ((got - expected).abs().max() / expected.abs().max().clamp_min(1e-300)).item()


def psd(count: int, size: int, *, seed: int = 0, extra: int = 3) -> Tensor:
    """Positive definite matrices (count, size, size), float64."""
    rows = tensor((count, size, size + extra), seed=seed)
    return rows @ rows.mT


def by_threads(call: Callable[[], Any], *counts: int) -> list[Any]:
    """What a call gives with each of these numbers of threads."""
    threads = torch.get_num_threads()
    results = []
    try:
        for count in counts:
            torch.set_num_threads(count)
            results.append(call())
    finally:
        torch.set_num_threads(threads)
    return results
