"""On which inputs the regions of a space's networks are counted."""

from __future__ import annotations

import random

import torch
from torch import nn

from tegnas.data import Batch
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.regions import InputsLikeData, InputSource, NormalInputs, inputs_of
from tegnas.spaces import Space

# What networks of published spaces are counted on that say nothing else: they have no stem.
_OF_ONE_CHANNEL = NormalInputs((1, 3, 3))


class RegionSources:
    """The source of region inputs of every network of one kind.

    What a network says counts (see ``inputs_of``). Where it says nothing, images are standard
    normal and small, since on small ones networks differ; a space names their side by an attribute
    ``region_image_side`` of its networks, and then they have the channels of the batch. Networks
    that take no small images, and examples that aren't images, are counted on inputs drawn like
    the batch. All networks of a space that say nothing have the same.

    Args:
        space: of the networks.
        kind: of the networks.
        batch: as the small networks see it.
    """

    def __init__(self, space: Space, kind: str, batch: Batch) -> None:
        self._space = space
        self._kind = kind
        self._batch = batch
        self._examples = batch.images.cpu()
        self._default: InputSource | None = None

    def of(self, network: nn.Module) -> InputSource:
        """The source for one network."""
        own = inputs_of(network, self._examples)
        if own is not None:
            return own
        if self._default is None:
            self._default = self._decided()
        return self._default

    def _decided(self) -> InputSource:
        like_data = InputsLikeData(self._examples, self._batch.image_shape)
        if not self._batch.of_images:
            return like_data
        # The same one whichever network is scored first.
        network = self._space.network(
            self._space.sample(random.Random(0)), self._kind, num_classes=self._batch.num_classes
        )
        side = getattr(network, "region_image_side", None)
        if side is None:
            return _OF_ONE_CHANNEL
        small = NormalInputs((self._batch.image_shape[0], side, side))
        return small if _takes(network, small) else like_data


def _takes(network: nn.Module, source: InputSource) -> bool:
    try:
        with torch.no_grad(), batch_statistics(network, "frozen"):
            network(source.draw(2, torch.Generator().manual_seed(0)))
    except Exception:  # whatever a network makes of a size that it isn't for
        return False
    return True
