"""What the scripts of ``make check-gpu`` share: options, networks, images, reading scores."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

import tegnas
from tegnas.data import Batch

SPACE = tegnas.get_space("nas-bench-201")


def read_options(description: str | None, **choices: tuple[str, ...]) -> argparse.Namespace:
    """``--device``, ``--small``, and one option per keyword with the values that it may take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a few architectures, for a dry run")
    for name, values in choices.items():
        parser.add_argument(f"--{name}", choices=values or None, required=True)
    return parser.parse_args()


def architectures(count: int, seed: int = 0) -> list[object]:
    """Distinct random ones of NAS-Bench-201."""
    rng, found = random.Random(seed), dict[object, None]()
    while len(found) < count:
        found[SPACE.sample(rng)] = None
    return list(found)


def settings_of(preset: str, *, small: bool) -> tegnas.ScoreSettings:
    """Those of a preset; in a dry run with fewer networks and inputs."""
    settings = tegnas.get_preset(preset)
    return replace(settings, repeats=2, region_samples=60) if small else settings


def batch_for(preset: str, *, small: bool) -> Batch:
    """Images of digits, as many as the preset asks for, or six in a dry run."""
    sizes = tegnas.get_preset(preset)
    train, val = (6, 6) if small else (sizes.train, sizes.val)
    return tegnas.load_batch("digits", train=train, val=val)


def networks(scores: tegnas.Scores) -> dict[str, Tensor]:
    """By name of the indicator: float64 (A, networks)."""
    return dict(scores.networks)


def seconds(call: Callable[[], object], device: str) -> float:
    """Wall-clock time of a call, until the device has done what it left."""
    _finish(device)
    begin = time.perf_counter()
    call()
    _finish(device)
    return time.perf_counter() - begin


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def device_name(device: str) -> str:
    """What a result was made on."""
    return torch.cuda.get_device_name() if device.startswith("cuda") else "CPU"
