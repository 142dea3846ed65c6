"""Times of the native operators on a GPU, each beside the floor that bytes and flops set.

    python bench/bench_device.py

The floor is the larger of bytes over bandwidth and float64 operations over the vector rate, for
the device's published numbers. Without a GPU it says so and measures nothing: no time of a GPU
comes from anywhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tegnas import ops

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cuda_device import missing  # noqa: E402
from machine import describe_machine  # noqa: E402


@dataclass(frozen=True)
class Rates:
    """Published peak rates of a device: bytes per second, float64 operations per second."""

    bytes: float
    float64: float


RATES = {"A100": Rates(2.0e12, 9.7e12), "H100": Rates(3.35e12, 34e12), "H200": Rates(4.8e12, 34e12)}


@dataclass(frozen=True)
class Workload:
    """One call with what it must at least move and compute."""

    name: str
    call: Callable[[], object]
    bytes: float
    flops: float

    def floor(self, rates: Rates) -> float:
        return max(self.bytes / rates.bytes, self.flops / rates.float64)


def eig_condition(batch: int, n: int) -> Workload:
    rows = torch.randn(batch, n, 2 * n, dtype=torch.float64, device="cuda")
    matrices = rows @ rows.mT
    name = f"eig_condition, {batch} of {n}×{n}"
    flops = batch * 8 / 3 * n**3 / 2
    return Workload(name, lambda: ops.eig_condition(matrices), matrices.nbytes / 2, flops)


def kernel_regression_error(batch: int, n: int, classes: int) -> Workload:
    rows = torch.randn(batch, n, 2 * n, dtype=torch.float64, device="cuda")
    k, targets = rows @ rows.mT, torch.randn(n, classes, dtype=torch.float64, device="cuda")
    name = f"kernel_regression_error, {batch} of {n}×{n}"
    flops = batch * (n**3 / 3 + 6 * classes * n**2)
    call = lambda: ops.kernel_regression_error(k, k, targets, targets)  # noqa: E731
    return Workload(name, call, 2.5 * k.nbytes / 2, flops)


def regions(inputs: int, features: int) -> Workload:
    activations = torch.randn(inputs, features, device="cuda")

    def call() -> object:
        return ops.count_regions(ops.pack_signs([activations]))

    return Workload(f"regions, {inputs}×{features}", call, activations.nbytes, 0)


def ntk_gram(networks: int, images: int, channels: int, size: int) -> Workload:
    shape = (networks, images, channels, size, size)
    term = ops.Conv2dTerm(
        torch.randn(shape, device="cuda"), torch.randn(shape, device="cuda"), 3, padding=1
    )
    weights = 9 * channels**2
    flops = networks * (2 * images * weights * size**2 / 2 + images**2 * weights)
    name = (
        f"ntk_gram, {networks} networks, conv3x3 of {channels} channels on {images}×{size}×{size}"
    )
    return Workload(name, lambda: ops.ntk_gram([term]), 2 * term.input.nbytes, flops)


def seconds(call: Callable[[], object], rounds: int = 50) -> float:
    """Median time on the device, by events."""
    times = []
    for _ in range(rounds + 5):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return sorted(times[5:])[rounds // 2]


def main() -> None:
    reason = missing()
    if reason is not None:
        print(f"bench_device: {reason}")
        return
    device = torch.cuda.get_device_name()
    rates = next((rates for name, rates in RATES.items() if name in device), None)
    print(f"{device}; {describe_machine()}")
    workloads = [
        eig_condition(1024, 64),
        eig_condition(1024, 128),
        kernel_regression_error(1024, 64, 10),
        regions(3000, 2000),
        ntk_gram(1, 64, 64, 32),
        ntk_gram(256, 64, 6, 16),
    ]
    print("| what | time | floor | time / floor |\n|---|---|---|---|")
    for each in workloads:
        time = seconds(each.call)
        floor = each.floor(rates) if rates else float("nan")
        print(f"| {each.name} | {time * 1e6:.0f} µs | {floor * 1e6:.1f} µs | {time / floor:.1f} |")


if __name__ == "__main__":
    main()
