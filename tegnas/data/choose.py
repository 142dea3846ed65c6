"""Which images of a source make up a batch."""

from __future__ import annotations

import numpy as np
import torch

from tegnas.errors import InputError


def choose(
    labels: np.ndarray, train: int, val: int, generator: torch.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint random indices for training and validation, as even over the classes as possible.

    Images are dealt like cards: every class is shuffled, and one image at a time is taken from
    each class in turn, in one random order of the classes. So class counts within a split differ
    by at most one while no class runs out, the first n training images are those of a smaller
    batch, and with fewer images than classes both splits hold the same classes (regression from
    one to the other would mean little otherwise).

    Args:
        labels: (N,) class of each image.
        train, val: number of images of each split.
        generator: source of the randomness; the global one is not touched.

    Returns:
        indices (train,) and (val,) into ``labels``.

    Raises:
        InputError: N < train + val.
    """
    train_indices, val_indices, _ = choose_with_spares(labels, train, val, generator)
    return train_indices, val_indices


def choose_with_spares(
    labels: np.ndarray, train: int, val: int, generator: torch.Generator
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The same as :func:`choose`, and what is left of every class in its shuffled order."""
    if len(labels) < train + val:
        raise InputError(
            f"the source has {len(labels)} examples, fewer than the {train} training and {val} "
            "validation examples asked for; ask for fewer"
        )
    classes = np.unique(labels)
    order = torch.randperm(len(classes), generator=generator).numpy()
    hands = []
    for label in classes[order]:
        members = np.flatnonzero(labels == label)
        hands.append(members[torch.randperm(len(members), generator=generator).numpy()])
    train_indices, hands = _deal(hands, train)
    val_indices, spares = _deal(hands, val)
    return train_indices, val_indices, spares


def _deal(hands: list[np.ndarray], count: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """``count`` images taken in turns from the front of the hands, and what is left of them."""
    turn = np.concatenate([np.arange(len(hand)) for hand in hands])
    player = np.repeat(np.arange(len(hands)), [len(hand) for hand in hands])
    dealt = np.lexsort((player, turn))[:count]
    taken = np.bincount(player[dealt], minlength=len(hands))
    left = [hand[n:] for hand, n in zip(hands, taken, strict=True)]
    return np.concatenate(hands)[dealt], left
