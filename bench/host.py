"""What the host does for scores on a GPU, in milliseconds per 256 architectures; needs no GPU.

    python bench/host.py

While a device computes one set of architectures, the host writes the programs of the next and plans
their launches. Measured is all of that but the copies to the device and the launches themselves, on
new random architectures of NAS-Bench-201 in every round, as the preset ``best`` scores them: 256
deep networks of five seeds for the kernels, 256 deep thin ones for the regions.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict

import torch
from machine import describe_machine

from tegnas import ops
from tegnas.scoring.jobs import JobMaker
from tegnas.spaces import get_space

ARCHITECTURES, NETWORKS = 256, 5
# Kind of network, image shape, images of a batch, and whether its regions are counted.
CALLS = {
    "kernels": ("deep", (3, 16, 16), 64, False),
    "regions": ("deep-thin", (1, 2, 2), 1000, True),
}


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each part, by the clock and of all processors together.

    After one round that makes the templates and weights.
    """
    space, rng = get_space("nas-bench-201"), random.Random(0)
    makers = {
        name: JobMaker(
            space, kind, num_classes=10, image_shape=shape, seeds=range(NETWORKS), device="cpu"
        )
        for name, (kind, shape, _, _) in CALLS.items()
    }
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds + 1):
        archs = [space.sample(rng) for _ in range(ARCHITECTURES)]
        first = now()
        for name, (_, _, images, regions) in CALLS.items():
            begin = now()
            jobs = makers[name].make(archs)
            written = now()
            ops.prepare_launches(jobs, images=images, regions=regions)
            times[f"{name}: programs written"].append(since(begin, written))
            times[f"{name}: launches planned"].append(since(written, now()))
        times["all"].append(since(first, now()))
    return {name: medians(values[1:]) for name, values in times.items()}


def now() -> tuple[float, float]:
    """Seconds by the clock, and of this process on all processors."""
    return time.perf_counter(), time.process_time()


def since(begin: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Milliseconds of both."""
    return 1e3 * (end[0] - begin[0]), 1e3 * (end[1] - begin[1])


def medians(values: list[tuple[float, float]]) -> tuple[float, float]:
    """Of the clock's and of the processors'."""
    clock, processors = zip(*values, strict=True)
    return statistics.median(clock), statistics.median(processors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    print(describe_machine())
    print(f"| per {ARCHITECTURES} architectures | threads | ms | ms of processors |")
    print("|---|--:|--:|--:|")
    most = torch.get_num_threads()
    for threads in dict.fromkeys((1, most)):
        torch.set_num_threads(threads)
        for name, (clock, processors) in measure(rounds).items():
            print(f"| {name} | {threads} | {clock:.2f} | {processors:.2f} |")


if __name__ == "__main__":
    main()
