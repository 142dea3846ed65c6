"""The images as small networks see them: shrunk, where the networks of the space can take that."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from tegnas.data import Batch
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, ProgramSpace, Space
from tegnas.spaces.base import small_network_kinds
from tegnas.spaces.factorised import FactorisedSpace

# Neighbours of one architecture, and random ones, whose networks are tried.
_NEIGHBOURS, _RANDOM = 32, 8

# What was found, since whoever scores asks several times and networks may be slow to make.
_KNOWN: WeakKeyDictionary[Space, dict[tuple[object, ...], str]] = WeakKeyDictionary()


class ImageSizeWarning(UserWarning):
    """Images keep their size, since the networks of the space don't take smaller ones."""


def small_batch(space: Space, batch: Batch, settings: ScoreSettings) -> Batch:
    """The batch with images of at most ``settings.image_size`` pixels a side.

    Where networks of the space don't take these but those of the images' own size, as an MLP made
    for one size, the images stay as they are, with a warning.
    """
    if settings.image_size is None or not batch.of_images:
        return batch
    shrunk = batch.shrunk(settings.image_size)
    # Whoever writes programs does so for any size; others may say that their networks take any.
    known = isinstance(space, ProgramSpace) or getattr(space, "any_image_size", False)
    if shrunk is batch or known or not SmallNetworkNeeds.of(settings).of_images:
        return shrunk
    reason = _why_not(space, shrunk, settings)
    if not reason:
        return shrunk
    if not _why_not(space, batch, settings):
        own, small = ("×".join(map(str, each.image_shape[1:])) for each in (batch, shrunk))
        # Without a stack level: said once, whoever asks.
        warnings.warn(
            f"networks of {space.name} don't take images of {small} ({reason}): they see the "
            f"images as they are, {own}, which takes longer",
            ImageSizeWarning,
            stacklevel=1,
        )
    return batch


def _why_not(space: Space, batch: Batch, settings: ScoreSettings) -> str:
    """What keeps a network from taking the images; empty where all take them."""
    asked = (
        batch.image_shape,
        batch.num_classes,
        batch.images.dtype,
        settings.small_networks,
        settings.batch_norm,
        settings.seed,
    )
    try:
        known = _KNOWN.setdefault(space, {})
    except TypeError:  # a space that has no hash, or that nothing may refer to weakly
        return _tried_out(space, batch, settings)
    if asked not in known:
        known[asked] = _tried_out(space, batch, settings)
    return known[asked]


def _tried_out(space: Space, batch: Batch, settings: ScoreSettings) -> str:
    kind, _ = small_network_kinds(space, settings.small_networks)
    for arch in _tried(space):
        network = space.network(arch, kind, num_classes=batch.num_classes, seed=settings.seed)
        images: Tensor = batch.images[:2]
        try:
            with torch.no_grad(), batch_statistics(network, settings.batch_norm):
                network.to(images.device)(images.clone())
        except Exception as error:  # whatever a network makes of a size that it isn't for
            return str(error).partition("\n")[0]
    return ""


def _tried(space: Space) -> Iterator[Architecture]:
    """A few architectures that take every option once, and a few others.

    Of a space that isn't a product of choices one architecture with what differs from it in one.
    """
    rng = random.Random(0)
    if isinstance(space, FactorisedSpace):
        counts = [len(choice.options) for choice in space.choices()]
        for option in range(max(counts)):
            yield space.decode([min(option, count - 1) for count in counts])
    else:
        first = space.sample(rng)
        yield first
        yield from itertools.islice(space.neighbours(first), _NEIGHBOURS)
    for _ in range(_RANDOM):
        yield space.sample(rng)
