"""A batch's images drawn from a source, none of them twice in a split and none blank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tegnas.data.batch import are_images, check_classes, noun
from tegnas.data.choose import choose_with_spares
from tegnas.data.distinct import blank, repeated
from tegnas.data.resize import resize
from tegnas.errors import InputError

# The side at which images are told apart: searches by ``best`` see them no larger.
_SIDE = 8


@dataclass(frozen=True, eq=False)
class Draw:
    """What was drawn.

    Attributes:
        images: (train + val, C, H, W) float32, or other examples (train + val, …).
        indices: (train + val,) into the source.
        replaced: how many images were put aside for others.
    """

    images: Tensor
    indices: np.ndarray
    replaced: int


def draw(
    labels: np.ndarray,
    train: int,
    val: int,
    generator: torch.Generator,
    prepare: Callable[[np.ndarray], Tensor],
) -> Draw:
    """Choose images and replace those that are equal to another one of their split, or blank.

    Images are compared as they are seen, shrunk to 8 pixels a side, other examples as they are.
    The later of two gives way to the next image of its class, or of the class with most left if
    there is none; without repeats the images are those of :func:`tegnas.data.choose.choose`.

    Args:
        labels: (N,) class of each image of the source.
        train, val: number of images of each split.
        generator: source of the randomness.
        prepare: takes (n,) indices and returns those images, normalised (n, …).

    Raises:
        InputError: the source has too few images, too few that differ, or one class.
    """
    train_indices, val_indices, spares = choose_with_spares(labels, train, val, generator)
    check_classes(torch.from_numpy(labels[train_indices]))
    indices = np.concatenate([train_indices, val_indices])
    left = {int(labels[hand[0]]): hand.tolist() for hand in spares if len(hand)}
    images = prepare(indices)
    replaced = 0
    while unusable := _unusable(images, train):
        if sum(map(len, left.values())) < len(unusable):
            raise InputError(
                f"the source has fewer than {len(indices)} {noun(images)} that differ and aren't "
                f"blank, as {train} for training and {val} for validation need; ask for fewer"
            )
        for place in unusable:
            indices[place] = _next(left, int(labels[indices[place]]))
        images[unusable] = prepare(indices[unusable])
        replaced += len(unusable)
    return Draw(images, indices, replaced)


def _unusable(images: Tensor, train: int) -> list[int]:
    """The images that are equal to an earlier one of their split, or blank."""
    large = are_images(images) and max(images.shape[2:]) > _SIDE
    small = resize(images, _SIDE) if large else images
    first, second = repeated(small[:train]), repeated(small[train:])
    late = {place for _, place in first} | {train + place for _, place in second}
    return sorted(late | set(blank(small)))


def _next(left: dict[int, list[int]], label: int) -> int:
    """The next spare image of the class, or of the class with most left; it is taken away."""
    hand = left.get(label) or max(left.values(), key=len)
    return hand.pop(0)
