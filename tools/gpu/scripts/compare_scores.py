"""Scores of 256 architectures on a GPU against the CPU's, network by network, for one preset.

Fails where more than 1 % of the networks differ by more than rounding does: κ and errors by 1 %, as
float32 sums in another order; the number of regions by 2, as units within rounding of their kink.
"""

from __future__ import annotations

import torch
from scipy.stats import kendalltau
from torch import Tensor
from workload import (
    SPACE,
    architectures,
    batch_for,
    device_name,
    networks,
    read_options,
    seconds,
    settings_of,
)

import tegnas

MOST_RELATIVE, MOST_REGIONS, MOST_NETWORKS = 1e-2, 2.0, 0.01


def differing(name: str, got: Tensor, expected: Tensor) -> Tensor:
    """Which networks differ by more than rounding."""
    if name == "linear_regions":
        return (got - expected).abs() > MOST_REGIONS
    both = got.isfinite() & expected.isfinite()
    relative = (got - expected).abs() / expected.abs().clamp_min(1e-300)
    return torch.where(both, relative > MOST_RELATIVE, got.isfinite() != expected.isfinite())


def row(name: str, got: Tensor, expected: Tensor) -> str:
    """A line of the table."""
    both = got.isfinite() & expected.isfinite()
    relative = ((got - expected).abs() / expected.abs().clamp_min(1e-300))[both]
    quantiles = torch.quantile(relative, torch.tensor([0.5, 0.99, 1.0], dtype=torch.float64))
    tau = kendalltau(got.median(1).values.numpy(), expected.median(1).values.numpy()).statistic
    bad = int(differing(name, got, expected).sum())
    numbers = " / ".join(f"{value:.1e}" for value in quantiles.tolist())
    return (
        f"| {name} | {bad} of {got.numel()} differ | half, 99 %, all within {numbers} "
        f"| τ {tau:.4f} |"
    )


def main() -> None:
    options = read_options(__doc__, preset=("best", "fast", "paper"))
    settings = settings_of(options.preset, small=options.small)
    batch = batch_for(options.preset, small=options.small)
    archs = architectures(6 if options.small else 256)
    found: dict[str, tegnas.Scores] = {}

    def score(device: str) -> None:
        found[device] = tegnas.score(archs, batch, space=SPACE, settings=settings, device=device)

    # The first call loads kernels and memory; only the second is timed.
    score(options.device)
    got = networks(found[options.device])
    taken = seconds(lambda: score(options.device), options.device)
    again = networks(found[options.device])
    reference = seconds(lambda: score("cpu"), "cpu")
    expected = networks(found["cpu"])
    print(
        f"= {options.preset}, {len(archs)} architectures: {device_name(options.device)} "
        f"{taken:.2f} s ({len(archs) / taken:.0f}/s), CPU {reference:.2f} s"
    )
    bad = []
    for name in got:
        print(row(name, got[name], expected[name]))
        if not torch.equal(got[name], again[name]):
            bad.append(f"{name} is not the same twice")
        if differing(name, got[name], expected[name]).double().mean() > MOST_NETWORKS:
            bad.append(f"{name} is not the CPU's")
    if bad:
        raise SystemExit(f"= {'; '.join(bad)}")


if __name__ == "__main__":
    main()
