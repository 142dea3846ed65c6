"""What the host does for scores on a GPU, in milliseconds per 256 architectures; needs no GPU.

    python bench/host.py

While a device computes one set of architectures, the host does all of this for the next: finds out
which networks have to be computed, writes their programs, plans their launches, and reads the
values of the set before. Left out are only the copies to the device and the launches themselves.
Every round has 256 new architectures of NAS-Bench-201, of which no two have the same kernels, as
the preset ``best`` scores them: deep networks of five seeds for the kernels, deep thin ones for the
regions.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from unittest.mock import patch

import torch
from machine import describe_machine

from tegnas import ops
from tegnas.data import load_batch
from tegnas.indicators.sources import Distances, Kernel
from tegnas.scoring import ScoreSettings, get_preset
from tegnas.scoring.jobs import JobMaker
from tegnas.scoring.native_scorer import NativeScorer
from tegnas.scoring.shrink import small_batch
from tegnas.spaces import get_space

ARCHITECTURES = 256
SPACE = get_space("nas-bench-201")

Times = dict[str, list[tuple[float, float]]]


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each part, by the clock and of all processors together.

    After one round that makes the templates and weights.
    """
    settings = without_computing(get_preset("best"))
    batch = small_batch(SPACE, load_batch("digits", train=settings.train, val=2), settings)
    scorer = NativeScorer(SPACE, batch, settings, range(settings.repeats))
    archs = new_architectures()
    times: Times = defaultdict(list)

    def planned(jobs: ops.EngineJobs, images: int, regions: bool) -> torch.Tensor:
        ops.prepare_launches(jobs, images=images, regions=regions)
        return torch.zeros(len(jobs.programs))

    def engine_ntk(jobs, x, y=None, *, batch_norm, weights, distances):
        kernels = planned(jobs, len(x), False).double()[:, None, None]
        if distances:  # on a GPU by a sweep of their own
            planned(jobs, len(x), True)
        return kernels, kernels, kernels, kernels.long()

    def engine_regions(jobs, inputs, *, batch_size):
        return planned(jobs, batch_size, True).long()

    with ExitStack() as stack:
        for where, name, call, part in (
            (JobMaker, "make", JobMaker.make, "programs written"),
            (ops, "engine_ntk", engine_ntk, "launches planned, kernels and distances"),
            (ops, "engine_regions", engine_regions, "launches planned, regions"),
        ):
            stack.enter_context(patch.object(where, name, timed(call, times, part)))
        call = timed(lambda some: scorer.begin(some)(), times, "all")
        call(list(islice(archs, ARCHITECTURES)))
        times.clear()
        for _ in range(rounds):
            call(list(islice(archs, ARCHITECTURES)))
    return {name: medians(values, rounds) for name, values in times.items()}


def without_computing(settings: ScoreSettings) -> ScoreSettings:
    """The settings with indicators that take what a device would have computed as it is."""

    def first_number(kernels) -> torch.Tensor:
        return kernels.searched[:, 0, 0]

    def first_distance(distances) -> torch.Tensor:
        return distances[:, 0, 0]

    computing = {Kernel: first_number, Distances: first_distance}
    return replace(
        settings,
        indicators=tuple(
            replace(each, compute=computing.get(type(each.source), each.compute))
            for each in settings.indicators
        ),
    )


def new_architectures() -> Iterator[object]:
    """Connected ones in random order, each with a live part of its own."""
    archs = list(SPACE)
    random.Random(0).shuffle(archs)
    seen = set()
    for arch in archs:
        if SPACE.is_connected(arch) and SPACE.live(arch) not in seen:
            seen.add(SPACE.live(arch))
            yield arch


def timed(call: Callable, times: Times, name: str) -> Callable:
    """The same function, which adds the milliseconds that it takes."""

    def measured(*args, **options):
        begin = time.perf_counter(), time.process_time()
        result = call(*args, **options)
        end = time.perf_counter(), time.process_time()
        times[name].append((1e3 * (end[0] - begin[0]), 1e3 * (end[1] - begin[1])))
        return result

    return measured


def medians(values: list[tuple[float, float]], rounds: int) -> tuple[float, float]:
    """Of the rounds, in each of which there may be several calls; of both clocks."""
    calls = len(values) // rounds
    sums = [
        tuple(map(sum, zip(*values[first : first + calls], strict=True)))
        for first in range(0, len(values), calls)
    ]
    clock, processors = zip(*sums, strict=True)
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
