"""Whole data sets, for training: every image of a source, split into training and test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tegnas.data.choose import choose
from tegnas.data.normalise import Normalisation
from tegnas.data.resize import resize
from tegnas.data.source import ImageSource, Request
from tegnas.data.sources import Source, open_source, source_name
from tegnas.errors import InputError

# Sources that come with test files; of the others, one image in five is held out.
_WITH_TEST_FILES = ("cifar10", "cifar100", "imagenet16")
_HELD_OUT = 5


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled images as they are stored; ``prepare`` makes network inputs of them.

    Attributes:
        images, test_images: (N, C, H, W) uint8, or float32 on the scale where white is 1 (or
            normalised already).
        labels, test_labels: (N,) int64 in [0, ``num_classes``).
        num_classes: the number of classes.
        source: where the images came from, as the user wrote it.
        normalisation: what ``prepare`` applies; None for images that are normalised already.
    """

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    num_classes: int
    source: str
    normalisation: Normalisation | None

    def prepare(self, images: Tensor) -> Tensor:
        """Images (n, C, H, W) of the set as normalised float32 (n, 3, H, W)."""
        prepared = images.float() / 255 if images.dtype == torch.uint8 else images
        if prepared.shape[1] == 1:
            prepared = prepared.expand(-1, 3, -1, -1)
        return prepared if self.normalisation is None else self.normalisation.apply(prepared)

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.images.shape[1:]))
        return (
            f"Dataset({self.source!r}, {len(self.images)} training and {len(self.test_images)} "
            f"test images of {shape}, {self.num_classes} classes)"
        )


def load_dataset(source: Source, *, size: int | None = None) -> Dataset:
    """Read every image of a source into memory.

    CIFAR and ImageNet16 folders bring their test files. Of the other sources one image in five,
    always the same ones and as even over the classes as possible, is held out for testing.

    Args:
        source: see ``load_batch``; ``noise`` has nothing to learn and is refused.
        size: height and width to resize to (bilinear).

    Raises:
        InputError: the source is unknown, missing, unreadable, too small or of a wrong shape.
    """
    text = source_name(source)
    name = text.partition(":")[0]
    if name == "noise":
        raise InputError("there is nothing to learn from noise; train on labelled images")
    train = open_source(source, Request(0, 0, 0, size))
    if name.split("-")[0] in _WITH_TEST_FILES:
        test = open_source(source, Request(0, 0, 0, size, split="test"))
        train_indices = np.arange(len(train.labels))
        test_indices = np.arange(len(test.labels))
    else:
        test = train
        held_out = len(train.labels) // _HELD_OUT
        if held_out == 0:
            raise InputError(f"{text} has fewer than {_HELD_OUT} images; give more")
        # The test images are dealt first: what is dealt first is even over the classes.
        test_indices, train_indices = choose(
            train.labels, held_out, len(train.labels) - held_out, torch.Generator().manual_seed(0)
        )
    return Dataset(
        _images(train, train_indices, size),
        torch.from_numpy(train.labels[train_indices].astype(np.int64)),
        _images(test, test_indices, size),
        torch.from_numpy(test.labels[test_indices].astype(np.int64)),
        train.num_classes,
        text,
        train.normalisation,
    )


def _images(source: ImageSource, indices: np.ndarray, size: int | None) -> Tensor:
    stored = torch.from_numpy(np.ascontiguousarray(source.read(indices)))
    if stored.dtype != torch.uint8:
        stored = stored.float()
    if size is None or stored.shape[2:] == (size, size):
        return stored
    scale = 255 if stored.dtype == torch.uint8 else 1
    return resize(stored.float() / scale, size)
