"""The probes of the study: one part varied at a time, around 16×16 images."""

from __future__ import annotations

from dataclasses import replace

from bench.ranking.probe import Probe

# Half the side of CIFAR costs a quarter, so that the study can afford more networks.
BASE = Probe(size=16)


def networks(probe: Probe, count: int, first: int = 0) -> tuple[Probe, ...]:
    """The same probe with several draws of the weights."""
    return tuple(replace(probe, network=seed) for seed in range(first, first + count))


PRESENT = networks(Probe(), 3)

LEAN = replace(BASE, lean=True)
LEAN_NOISE = replace(LEAN, source="noise")

# Name of a group of probes and its members; scores are averaged over the members.
GROUPS: dict[str, tuple[Probe, ...]] = {
    "CIFAR 32²": PRESENT,
    "CIFAR 16²": networks(BASE, 3),
    "CIFAR 8²": networks(replace(BASE, size=8), 3),
    "noise 32²": networks(Probe(source="noise"), 2),
    "noise 16²": networks(replace(BASE, source="noise"), 3),
    "noise 8²": networks(replace(BASE, size=8, source="noise"), 3),
    "another draw": networks(replace(BASE, draw=1), 2),
    "N = 16": networks(replace(BASE, images=16), 2),
    "N = 32": networks(replace(BASE, images=32), 2),
    "N = 128": networks(replace(BASE, images=128), 2),
    "C = 1": networks(replace(BASE, channels=1), 2),
    "C = 8": networks(replace(BASE, channels=8), 2),
    "fan-out": networks(replace(BASE, initialisation="fan-out"), 2),
    "PyTorch default": networks(replace(BASE, initialisation="default"), 2),
    "Xavier": networks(replace(BASE, initialisation="xavier"), 2),
    "cells without reductions": networks(replace(BASE, body="searched"), 2),
    "stage 0": networks(replace(BASE, body="stage0"), 2),
    "stage 1": networks(replace(BASE, body="stage1"), 2),
    "stage 2": networks(replace(BASE, body="stage2"), 2),
    "reductions": networks(replace(BASE, body="reduction"), 2),
    "without norm scales": networks(replace(BASE, body="convolutions"), 2),
    "trace": networks(replace(BASE, outputs="trace"), 1),
}

# Many networks, the kernel of all weights alone.
MANY: dict[str, tuple[Probe, ...]] = {
    "CIFAR 16²": networks(LEAN, 16),
    "noise 16²": networks(LEAN_NOISE, 8),
    "CIFAR 16², another draw": networks(replace(LEAN, draw=1), 4),
    "CIFAR 8²": networks(replace(LEAN, size=8), 8),
    "CIFAR 32²": networks(replace(LEAN, size=32), 4),
    "CIFAR 16², N = 32": networks(replace(LEAN, images=32), 8),
    "CIFAR 16², N = 128": networks(replace(LEAN, images=128), 4),
}
