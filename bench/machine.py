"""What a measurement was made on, in one line, and how it is timed."""

from __future__ import annotations

import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tegnas import ops


def describe_machine() -> str:
    """Processor, threads, versions and commit."""
    return (
        f"{_processor()}, {torch.get_num_threads()} threads, SIMD {ops.build_info()['simd']}, "
        f"torch {torch.__version__}, Python {platform.python_version()}, commit {_commit() or '?'}"
    )


def _commit() -> str:
    """Of the working tree; empty where there is no git or no repository, as in a copy of it."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
        ).stdout.strip()
    except OSError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def median_seconds(call: Callable[[], object], *, rounds: int) -> float:
    """Median wall-clock time of a call after one round that isn't counted."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
