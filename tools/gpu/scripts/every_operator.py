"""Every native operator once or twice on small operands, for compute-sanitizer to watch.

The sizes are awkward on purpose: no multiples of tiles, warps or blocks. What comes out is compared
with the CPU's, so that a result that is wrong without a fault is seen as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from workload import architectures, read_options

import tegnas
from tegnas import ops
from tegnas.scoring.jobs import JobMaker

Call = Callable[[str], tuple[Tensor, ...]]


def randn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))


def terms(images: int, device: str) -> list[ops.LayerTerm]:
    def tensor(*shape: int) -> Tensor:
        return randn(2, images, *shape).to(device)

    return [
        ops.Conv2dTerm(tensor(3, 9, 9), tensor(34, 9, 9), 3, padding=1),
        ops.Conv2dTerm(tensor(8, 9, 9), tensor(8, 5, 5), 3, 2, 2, 2, groups=8),
        ops.ScaleTerm(tensor(5, 49), tensor(5, 49)),
        ops.LinearTerm(tensor(1, 20), tensor(1, 10)),
        ops.LinearTerm(tensor(7, 6), tensor(7, 4)),
    ]


def grams(batch: int, n: int) -> Tensor:
    rows = randn(batch, n, n + 8, dtype=torch.float64)
    return rows @ rows.mT


def engine(
    space_name: str, kind: str, shape: tuple[int, int, int], dtype: torch.dtype, device: str
) -> ops.EngineJobs:
    space = tegnas.get_space(space_name)
    archs = [space.parse(text) for text in DARTS] if space_name == "darts" else architectures(3)
    maker = JobMaker(space, kind, num_classes=3, image_shape=shape, seeds=range(2), device=device)
    jobs = maker.make(archs)
    return ops.EngineJobs(jobs.codes, jobs.programs, jobs.params.to(dtype), jobs.offsets)


DARTS = [
    "normal sep_conv_3x3~0 max_pool_3x3~1 dil_conv_5x5~0 skip_connect~2 sep_conv_5x5~1 "
    "avg_pool_3x3~2 dil_conv_3x3~3 max_pool_3x3~4 "
    "reduce max_pool_3x3~0 skip_connect~1 sep_conv_3x3~0 dil_conv_3x3~2 avg_pool_3x3~1 "
    "sep_conv_5x5~3 skip_connect~0 dil_conv_5x5~4"
]


def calls() -> Iterator[tuple[str, Call, float]]:
    """Name, call on a device, and how far results may be apart relative to the largest."""
    for n in (33, 70):
        yield f"eig_condition {n}", lambda d, n=n: ops.eig_condition(grams(3, n).to(d)), 1e-9
        yield (
            f"kernel_regression_error {n}",
            lambda d, n=n: (
                ops.kernel_regression_error(
                    *(each.to(d) for each in (grams(3, n), randn(3, 5, n, dtype=torch.float64))),
                    *(randn(m, 9, dtype=torch.float64).to(d) for m in (n, 5)),
                ),
            ),
            1e-8,
        )
        yield (
            f"pattern_rank {n}",
            lambda d, n=n: (ops.pattern_rank(grams(3, n).abs().to(d)),),
            1e-9,
        )
        yield f"leave_one_out {n}", lambda d, n=n: ops.leave_one_out(grams(3, n).to(d)), 1e-9
    yield "ntk_gram", lambda d: (ops.ntk_gram(terms(5, d)),), 1e-5
    yield "ntk_gram of two batches", lambda d: (ops.ntk_gram(terms(5, d), terms(3, d)),), 1e-5
    layers = [randn(70, *shape) for shape in ((2, 3), (41,), (1, 5, 7))]
    yield "pack_signs", lambda d: (ops.pack_signs([layer.to(d) for layer in layers]),), 0.0
    patterns = ops.pack_signs(layers) & 0b111
    yield "count_regions", lambda d: (ops.count_regions(patterns.reshape(2, 35, -1).to(d)),), 0.0
    yield (
        "pattern_distances",
        lambda d: (ops.pattern_distances(patterns.reshape(2, 35, -1).to(d)),),
        0.0,
    )
    for dtype in (torch.float32, torch.float64):
        for space, kind in (("nas-bench-201", "proxy"), ("darts", "proxy")):
            for batch_norm in ("frozen", "coupled"):
                yield (
                    f"engine_ntk {space} {batch_norm} {dtype}",
                    lambda d, dtype=dtype, space=space, kind=kind, batch_norm=batch_norm: (
                        ops.engine_ntk(
                            engine(space, kind, (3, 8, 8), dtype, d),
                            randn(5, 3, 8, 8).to(d, dtype),
                            randn(3, 3, 8, 8).to(d, dtype),
                            batch_norm=batch_norm,
                        )[:3]
                    ),
                    2e-3,
                )
        for op in (ops.engine_regions, ops.engine_pattern_distances):
            yield (
                f"{op.__name__} {dtype}",
                lambda d, dtype=dtype, op=op: (
                    op(
                        engine("nas-bench-201", "thin", (1, 3, 3), dtype, d),
                        randn(70, 1, 3, 3).to(d, dtype),
                        batch_size=40,
                    ),
                ),
                0.05,
            )


def apart(got: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> float:
    """The largest difference, relative to the largest number of each result."""
    worst = 0.0
    for left, right in zip(got, expected, strict=True):
        left, right = left.cpu().double(), right.double()
        same = (left == right) | (left.isinf() & right.isinf())
        scale = right[right.isfinite()].abs().amax().clamp_min(1e-300)
        worst = max(worst, float(torch.where(same, 0.0, (left - right).abs() / scale).amax()))
    return worst


def main() -> None:
    options = read_options(__doc__)
    bad = []
    count = 0
    for name, call, tolerance in calls():
        difference = apart(call(options.device), call("cpu"))
        count += 1
        print(f"{name}: {difference:.1e}")
        if not difference <= tolerance:
            bad.append(f"{name} is {difference:.1e} off")
    if bad:
        raise SystemExit(f"= {'; '.join(bad)}")
    print(f"= {count} calls of the operators, all as on the CPU")


if __name__ == "__main__":
    main()
