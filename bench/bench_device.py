"""Times of the native operators on a GPU, each beside the floor that bytes and flops set.

    python bench/bench_device.py

The floor of a launch is the larger of bytes over bandwidth and operations over the vector rate, for
the device's published numbers; those of the engine's launches are added. Without a GPU it says so
and measures nothing: no time of a GPU comes from anywhere else.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tegnas import ops
from tegnas.scoring.jobs import JobMaker
from tegnas.spaces import get_space

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cuda_device import missing  # noqa: E402
from machine import describe_machine  # noqa: E402


@dataclass(frozen=True)
class Rates:
    """Published peak rates of a device: bytes and operations (on vectors) per second."""

    bytes: float
    float32: float
    float64: float


RATES = {
    "A100": Rates(2.0e12, 19.5e12, 9.7e12),
    "H100": Rates(3.35e12, 67e12, 34e12),
    "H200": Rates(4.8e12, 67e12, 34e12),
}


@dataclass(frozen=True)
class Part:
    """What one launch must at least move and compute."""

    bytes: float
    flops: float
    float64: bool = True

    def floor(self, rates: Rates) -> float:
        rate = rates.float64 if self.float64 else rates.float32
        return max(self.bytes / rates.bytes, self.flops / rate)


@dataclass(frozen=True)
class Workload:
    """One call, and the parts that it does one after the other."""

    name: str
    call: Callable[[], object]
    parts: list[Part]

    def row(self, rates: Rates | None) -> str:
        time = seconds(self.call)
        size, flops = sum(p.bytes for p in self.parts), sum(p.flops for p in self.parts)
        floor = sum(p.floor(rates) for p in self.parts) if rates else float("nan")
        return (
            f"| {self.name} | {time * 1e6:.0f} µs | {size / 1e6:.1f} MB | {flops / 1e6:.0f} MFLOP "
            f"| {floor * 1e6:.1f} µs | {time / floor:.1f} |"
        )


def engine(architectures: int, batch_norm: str, images: int = 64) -> Workload:
    """Kernels of random NAS-Bench-201 architectures, three networks each."""
    space, rng = get_space("nas-bench-201"), random.Random(0)
    maker = JobMaker(
        space,
        "proxy",
        num_classes=10,
        image_shape=(3, 32, 32),
        seeds=range(3),
        device="cuda",
    )
    jobs = maker.make([space.sample(rng) for _ in range(architectures)])
    x, y = torch.randn(2, images, 3, 32, 32, device="cuda")
    launches = ops.engine_plan(
        jobs.codes,
        jobs.programs.tolist(),
        images=images,
        others=images,
        batch_norm=batch_norm,
        memory=torch.cuda.get_device_properties(0).total_memory // 2,
    )
    name = f"engine_ntk, {architectures} architectures, {batch_norm}, {len(launches)} launches"
    parts = [Part(each.bytes, each.flops, each.sweep == "gram") for each in launches]
    return Workload(name, lambda: ops.engine_ntk(jobs, x, y, batch_norm=batch_norm), parts)


def eig_condition(batch: int, n: int) -> Workload:
    rows = torch.randn(batch, n, 2 * n, dtype=torch.float64, device="cuda")
    matrices = rows @ rows.mT
    name = f"eig_condition, {batch} of {n}×{n}"
    flops = batch * 8 / 3 * n**3 / 2
    return Workload(name, lambda: ops.eig_condition(matrices), [Part(matrices.nbytes / 2, flops)])


def kernel_regression_error(batch: int, n: int, classes: int) -> Workload:
    rows = torch.randn(batch, n, 2 * n, dtype=torch.float64, device="cuda")
    k, targets = rows @ rows.mT, torch.randn(n, classes, dtype=torch.float64, device="cuda")
    name = f"kernel_regression_error, {batch} of {n}×{n}"
    flops = batch * (n**3 / 3 + 6 * classes * n**2)
    call = lambda: ops.kernel_regression_error(k, k, targets, targets)  # noqa: E731
    return Workload(name, call, [Part(2.5 * k.nbytes / 2, flops)])


def regions(inputs: int, features: int) -> Workload:
    activations = torch.randn(inputs, features, device="cuda")

    def call() -> object:
        return ops.count_regions(ops.pack_signs([activations]))

    return Workload(f"regions, {inputs}×{features}", call, [Part(activations.nbytes, 0)])


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
    return Workload(name, lambda: ops.ntk_gram([term]), [Part(2 * term.input.nbytes, flops)])


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
        engine(256, "frozen"),
        engine(16, "coupled"),
    ]
    print("| what | time | bytes | operations | floor | time / floor |\n|---|--:|--:|--:|--:|--:|")
    for each in workloads:
        print(each.row(rates))


if __name__ == "__main__":
    main()
