"""Every native operator beside plain PyTorch doing the same.

    make bench        # or: python -m pytest bench --benchmark-only --benchmark-group-by=group

A group is one workload; within it, ``native`` is the operator and the others are baselines. What
they compute is compared before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from tegnas import ops
from tegnas.reference import eigen, gram, leave_one_out, regions, regression

Call = Callable[[], torch.Tensor]

CONVOLUTION = ("native", "unfold and einsum", "a convolution per image")
EIGENVALUES = ("native", "torch.linalg.eigvalsh")
REGRESSION = ("native", "torch.linalg.cholesky_ex")
LEFT_OUT = ("native", "torch.cholesky_inverse")


def randn(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def psd(count: int, size: int) -> torch.Tensor:
    rows = randn(count, size, size + 6, dtype=torch.float64)
    return rows @ rows.mT


def convolution(channels: int, size: int, images: int = 64) -> dict[str, Call]:
    """The Gram of one 3×3 convolution as in a ResNet-18."""
    x, g = randn(1, images, channels, size, size), randn(1, images, channels, size, size, seed=1)
    term = ops.Conv2dTerm(x, g, kernel_size=(3, 3), padding=(1, 1))

    def by_rows() -> torch.Tensor:
        rows = gram.conv2d_rows(x[0], g[0], kernel_size=(3, 3), padding=(1, 1))
        return gram.ntk_gram([rows])

    def by_one_convolution_per_image() -> torch.Tensor:
        # The gradient of a weight is a convolution of the input with the output's gradient.
        rows = [
            F.conv2d(x[0, i].unsqueeze(1), g[0, i].unsqueeze(1), padding=1).transpose(0, 1)
            for i in range(images)
        ]
        return gram.ntk_gram([torch.stack(rows).flatten(1)])

    return {
        "native": lambda: ops.ntk_gram([term])[0],
        "unfold and einsum": by_rows,
        "a convolution per image": by_one_convolution_per_image,
    }


def linear() -> dict[str, Call]:
    """The Gram of the classifier of a ResNet-50."""
    x, g = randn(1, 64, 1, 2048), randn(1, 64, 1, 1000, seed=1)
    return {
        "native": lambda: ops.ntk_gram([ops.LinearTerm(x, g)])[0],
        "rows": lambda: gram.ntk_gram([gram.linear_rows(x[0], g[0])]),
        "products of products": lambda: (
            (x[0, :, 0].double() @ x[0, :, 0].double().T)
            * (g[0, :, 0].double() @ g[0, :, 0].double().T)
        ),
    }


def many_small_networks() -> dict[str, Call]:
    """The Gram of a layer of sixteen proxy networks of NAS-Bench-201."""
    x, g = randn(16, 64, 6, 16, 16), randn(16, 64, 6, 16, 16, seed=1)
    term = ops.Conv2dTerm(x, g, kernel_size=(3, 3), padding=(1, 1))

    def by_rows() -> torch.Tensor:
        return torch.stack(
            [
                gram.ntk_gram([gram.conv2d_rows(a, b, kernel_size=(3, 3), padding=(1, 1))])
                for a, b in zip(x, g, strict=True)
            ]
        )

    return {"native": lambda: ops.ntk_gram([term]), "unfold and einsum": by_rows}


def eigenvalues(count: int, size: int) -> dict[str, Call]:
    matrices = psd(count, size)
    return {
        "native": lambda: ops.eig_condition(matrices).lambda_max,
        "torch.linalg.eigvalsh": lambda: eigen.eig_condition(matrices)[1],
    }


def regression_errors(count: int, size: int) -> dict[str, Call]:
    operands = (
        psd(count, size),
        randn(count, size, size, dtype=torch.float64, seed=1),
        randn(size, 10, dtype=torch.float64, seed=2),
        randn(size, 10, dtype=torch.float64, seed=3),
    )
    return {
        "native": lambda: ops.kernel_regression_error(*operands),
        "torch.linalg.cholesky_ex": lambda: regression.kernel_regression_error(*operands),
    }


def left_out(count: int, size: int) -> dict[str, Call]:
    kernels = psd(count, size)
    return {
        "native": lambda: ops.leave_one_out(kernels).error,
        "torch.cholesky_inverse": lambda: leave_one_out(kernels)[1],
    }


def region_count() -> dict[str, Call]:
    values = [randn(3000, 2000)]
    values[0][2000:2100] = values[0][:100]
    return {
        "native": lambda: ops.count_regions(ops.pack_signs(values)),
        "pairwise product": lambda: torch.tensor(regions.count_regions_pairwise(values)),
        "torch.unique": lambda: torch.tensor(len(torch.unique(values[0] > 0, dim=0))),
    }


# Each with the ways to compute it.
WORKLOADS: dict[str, tuple[Callable[[], dict[str, Call]], tuple[str, ...]]] = {
    "ntk_gram, 64 channels, 32x32": (lambda: convolution(64, 32), CONVOLUTION),
    "ntk_gram, 256 channels, 8x8": (lambda: convolution(256, 8), CONVOLUTION),
    "ntk_gram, 512 channels, 4x4": (lambda: convolution(512, 4), CONVOLUTION),
    "ntk_gram, linear 2048 to 1000": (linear, ("native", "rows", "products of products")),
    "ntk_gram, 16 networks, 6 channels, 16x16": (many_small_networks, CONVOLUTION[:2]),
    "eig_condition, 1024 of 64": (lambda: eigenvalues(1024, 64), EIGENVALUES),
    "eig_condition, 1 of 64": (lambda: eigenvalues(1, 64), EIGENVALUES),
    "eig_condition, 16 of 256": (lambda: eigenvalues(16, 256), EIGENVALUES),
    "kernel_regression_error, 1024 of 64": (lambda: regression_errors(1024, 64), REGRESSION),
    "kernel_regression_error, 1 of 64": (lambda: regression_errors(1, 64), REGRESSION),
    "leave_one_out, 1024 of 64": (lambda: left_out(1024, 64), LEFT_OUT),
    "count_regions, 3000 of 2000": (
        region_count,
        ("native", "pairwise product", "torch.unique"),
    ),
}


@pytest.mark.parametrize(
    ("workload", "way"), [(name, way) for name, (_, ways) in WORKLOADS.items() for way in ways]
)
def test_speed(benchmark, workload, way):
    calls = WORKLOADS[workload][0]()
    expected = calls["native"]()
    torch.testing.assert_close(calls[way](), expected, rtol=1e-5, atol=1e-5 * expected.max().item())
    benchmark.group = workload
    benchmark.name = way
    benchmark.pedantic(calls[way], rounds=5, warmup_rounds=1)
