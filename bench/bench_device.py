"""Times of the native operators on a GPU, each beside the floor that bytes and flops set.

    python bench/bench_device.py
    python bench/bench_device.py --device cpu --small    that the script itself works

The floor of a launch is the larger of bytes over bandwidth and operations over the vector rate, for
the device's published numbers; those of the engine's launches are added. Without a GPU it says so
and measures nothing: no time of a GPU comes from anywhere else.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tegnas import ops
from tegnas.scoring import get_preset
from tegnas.scoring.kernel_call import KernelCall
from tegnas.scoring.settings import changed
from tegnas.spaces import get_space

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cuda_device import missing  # noqa: E402
from machine import describe_machine, median_seconds  # noqa: E402

MOST_SECONDS = 3.0  # for the rounds of one workload


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

    def row(self, rates: Rates | None, device: str) -> str:
        taken = seconds(self.call, device)
        size, flops = sum(p.bytes for p in self.parts), sum(p.flops for p in self.parts)
        floor = sum(p.floor(rates) for p in self.parts) if rates else float("nan")
        return (
            f"| {self.name} | {taken * 1e6:.0f} µs | {size / 1e6:.1f} MB | {flops / 1e6:.0f} MFLOP "
            f"| {floor * 1e6:.1f} µs | {taken / floor:.1f} |"
        )


def engine(architectures: int, preset: str, batch_norm: str, device: str) -> Workload:
    """Kernels of random NAS-Bench-201 architectures, as the preset ``best`` or ``fast`` asks."""
    space, rng = get_space("nas-bench-201"), random.Random(0)
    settings = changed(get_preset(preset), batch_norm=batch_norm)
    archs = [space.sample(rng) for _ in range(architectures)]
    engine_call = KernelCall.of(space, settings, archs, device=device)
    x = torch.randn(engine_call.images, *engine_call.image_shape, device=device)
    y = torch.randn(engine_call.others, *engine_call.image_shape, device=device)
    memory = 40 << 30
    if device != "cpu":
        memory = torch.cuda.get_device_properties(0).total_memory // 2
    launches = engine_call.launches(memory)
    name = (
        f"engine_ntk, {architectures} architectures by {preset}, {batch_norm}, "
        f"{len(launches)} launches"
    )
    parts = [Part(each.bytes, each.flops, each.sweep == "gram") for each in launches]
    call = lambda: ops.engine_ntk(engine_call.jobs, x, y, batch_norm=batch_norm)  # noqa: E731
    return Workload(name, call, parts)


def eig_condition(batch: int, n: int, device: str) -> Workload:
    rows = torch.randn(batch, n, 2 * n, dtype=torch.float64, device=device)
    matrices = rows @ rows.mT
    name = f"eig_condition, {batch} of {n}×{n}"
    flops = batch * 8 / 3 * n**3 / 2
    return Workload(name, lambda: ops.eig_condition(matrices), [Part(matrices.nbytes / 2, flops)])


def pattern_rank(batch: int, n: int, device: str) -> Workload:
    patterns = torch.randint(2, (batch, n, 200), device=device).double()
    distances = torch.cdist(patterns, patterns).square()
    name = f"pattern_rank, {batch} of {n}×{n}"
    flops = batch * 8 / 3 * n**3 / 2
    return Workload(name, lambda: ops.pattern_rank(distances), [Part(distances.nbytes, flops)])


def kernel_regression_error(batch: int, n: int, classes: int, device: str) -> Workload:
    rows = torch.randn(batch, n, 2 * n, dtype=torch.float64, device=device)
    k, targets = rows @ rows.mT, torch.randn(n, classes, dtype=torch.float64, device=device)
    name = f"kernel_regression_error, {batch} of {n}×{n}"
    flops = batch * (n**3 / 3 + 6 * classes * n**2)
    call = lambda: ops.kernel_regression_error(k, k, targets, targets)  # noqa: E731
    return Workload(name, call, [Part(2.5 * k.nbytes / 2, flops)])


def regions(inputs: int, features: int, device: str) -> Workload:
    activations = torch.randn(inputs, features, device=device)

    def call() -> object:
        return ops.count_regions(ops.pack_signs([activations]))

    return Workload(f"regions, {inputs}×{features}", call, [Part(activations.nbytes, 0)])


def ntk_gram(networks: int, images: int, channels: int, size: int, device: str) -> Workload:
    shape = (networks, images, channels, size, size)
    term = ops.Conv2dTerm(
        torch.randn(shape, device=device), torch.randn(shape, device=device), 3, padding=1
    )
    weights = 9 * channels**2
    flops = networks * (2 * images * weights * size**2 / 2 + images**2 * weights)
    name = (
        f"ntk_gram, {networks} networks, conv3x3 of {channels} channels on {images}×{size}×{size}"
    )
    return Workload(name, lambda: ops.ntk_gram([term]), [Part(2 * term.input.nbytes, flops)])


def seconds(call: Callable[[], object], device: str, rounds: int = 50) -> float:
    """Median time on the device, by its own events; on the CPU by the clock."""
    if device == "cpu":
        return median_seconds(call, rounds=3)
    times = []
    begun = time.monotonic()
    while len(times) < 3 or (len(times) < rounds and time.monotonic() - begun < MOST_SECONDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    # The first call loads the kernel.
    return statistics.median(times[1:])


def workloads(device: str, small: bool) -> list[Callable[[], Workload]]:
    """Made one after the other, so that the memory of one is free for the next."""
    if small:
        return [
            lambda: eig_condition(2, 8, device),
            lambda: pattern_rank(2, 8, device),
            lambda: kernel_regression_error(2, 8, 3, device),
            lambda: regions(20, 70, device),
            lambda: ntk_gram(1, 4, 3, 5, device),
            lambda: engine(2, "best", "frozen", device),
            lambda: engine(2, "fast", "frozen", device),
        ]
    return [
        lambda: eig_condition(1024, 64, device),
        lambda: eig_condition(1024, 128, device),
        lambda: pattern_rank(1280, 64, device),
        lambda: kernel_regression_error(1024, 64, 10, device),
        lambda: regions(3000, 2000, device),
        lambda: ntk_gram(1, 64, 64, 32, device),
        lambda: ntk_gram(256, 64, 6, 16, device),
        lambda: engine(256, "best", "frozen", device),
        lambda: engine(256, "fast", "frozen", device),
        lambda: engine(16, "fast", "coupled", device),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--small", action="store_true", help="small operands, to try the script")
    options = parser.parse_args()
    reason = missing() if options.device == "cuda" else None
    if reason is not None:
        print(f"bench_device: {reason}")
        return
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    rates = next((rates for name, rates in RATES.items() if name in device), None)
    print(f"{device}; {describe_machine()}")
    print("| what | time | bytes | operations | floor | time / floor |\n|---|--:|--:|--:|--:|--:|")
    for make in workloads(options.device, options.small):
        print(make().row(rates, options.device), flush=True)


if __name__ == "__main__":
    main()
