"""Which networks say something about the architectures of a space on a batch.

What all architectures share, the stem, can kill an image in one network (its activations are all
negative, say), so that the kernel of every architecture is singular there and T and G tell nothing.
Such a network is found before anything is scored, and another is drawn in its place.
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from tegnas.data import Batch
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.small_networks import SmallNetworkScorer
from tegnas.spaces import Architecture, Space

# A network is blind if so many random architectures are singular in it, and none isn't.
_PROBES = 16

# Networks tried in place of blind ones, per network asked for.
_TRIES = 8


class BlindNetworkWarning(UserWarning):
    """Networks in which every architecture is singular were replaced, or couldn't be."""


@dataclass(frozen=True)
class NetworkSeeds:
    """The seeds of the networks of each architecture, and a sentence where some were replaced."""

    seeds: tuple[int, ...]
    note: str = ""


def usable_seeds(space: Space, batch: Batch, settings: ScoreSettings) -> NetworkSeeds:
    """Seeds of networks in which not every architecture's kernel is singular.

    Counts up from ``settings.seed``, leaving blind networks out. Where too few are found, the first
    ones are kept, and the note says that the kernels tell nothing about these images.

    Args:
        batch: images as the small networks see them.
    """
    first = settings.seed
    plain = tuple(range(first, first + settings.repeats))
    if not SmallNetworkNeeds.of(settings).of_kernels:
        return NetworkSeeds(plain)
    probes = tuple(itertools.islice(connected_samples(space), _PROBES))
    found: list[int] = []
    blind: list[int] = []
    candidates = plain
    while candidates and len(found) < settings.repeats and len(blind) < _TRIES * settings.repeats:
        singular = _blind(space, batch, settings, candidates, probes)
        blind += singular
        found += [seed for seed in candidates if seed not in singular]
        missing = settings.repeats - len(found)
        candidates = tuple(range(candidates[-1] + 1, candidates[-1] + 1 + missing))
    if not blind:
        return NetworkSeeds(plain)
    if len(found) < settings.repeats:
        return NetworkSeeds(
            plain,
            f"the kernels of every architecture are singular in {len(blind)} of "
            f"{len(blind) + len(found)} networks, so that T and G say nothing on these images: "
            "draw others by --seed, or fewer of them by --train",
        )
    which = ", ".join(str(seed - first + 1) for seed in blind)
    return NetworkSeeds(
        tuple(found),
        f"every architecture is singular in network {which} (an image is dead in what all "
        "architectures share): other networks take its place",
    )


def warn_of(seeds: NetworkSeeds, *, stacklevel: int) -> None:
    """Say it where networks were replaced."""
    if seeds.note:
        warnings.warn(seeds.note, BlindNetworkWarning, stacklevel=stacklevel + 1)


def connected_samples(space: Space) -> Iterator[Architecture]:
    """Random architectures with a path from input to output, always the same ones."""
    rng = random.Random(0)
    for _ in range(20 * _PROBES):
        arch = space.sample(rng)
        if space.is_connected(arch):
            yield arch


def _blind(
    space: Space,
    batch: Batch,
    settings: ScoreSettings,
    seeds: Sequence[int],
    probes: Sequence[Architecture],
) -> list[int]:
    """Those of the seeds with which every probe is singular."""
    needs = SmallNetworkNeeds.of(settings)
    remaining = list(seeds)
    for probe in probes:
        scorer = SmallNetworkScorer(space, batch, needs.kernels_only(settings), remaining)
        values = scorer([probe])
        singular = torch.stack([~values[each.name][0].isfinite() for each in needs.of_kernels])
        remaining = [seed for seed, bad in zip(remaining, singular.any(0), strict=True) if bad]
        if not remaining:
            break
    return remaining if probes else []
