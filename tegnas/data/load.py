"""From the name of a source to a batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tegnas.data.batch import Batch, noun
from tegnas.data.draw import draw
from tegnas.data.examples import as_examples, as_labels, standardised
from tegnas.data.resize import resize
from tegnas.data.source import ImageSource, ImageWarning, Request, plain
from tegnas.data.sources import Source, open_source, source_name
from tegnas.errors import InputError


def load_batch(
    source: Source,
    *,
    train: int = 64,
    val: int = 64,
    seed: int = 0,
    size: int | None = None,
) -> Batch:
    """Chooses images, or other examples, of a source at random and normalises images.

    The choice depends on ``seed`` alone (not on torch's global generator), never repeats an
    image, and is as even over the classes as the source allows. Where the source itself holds an
    image twice, or blank ones, others are drawn in their place: two equal images make the kernel
    of every network singular. Both splits come from the
    source's training images, so that a search never sees the test set. One channel stays one
    channel: networks of the published spaces, which take three, are given three equal ones when
    they are scored. Data sets are normalised per channel by their published mean and standard
    deviation, ``digits`` and ``folder:`` by their own; for .npz files see below.

    Args:
        source: ``digits``, ``noise``, ``cifar10:DIR``, ``cifar100:DIR``, ``imagenet16:DIR``,
            ``imagenet16-120:DIR`` (the first 120 classes), ``folder:DIR`` (one sub-folder per
            class), ``wine`` or ``breast-cancer`` (rows of a table), ``arrays:FILE.npz`` with
            examples of any shape, taken as they are, or ``FILE.npz`` with arrays ``x`` (uint8 or
            float, (N, H, W), (N, H, W, C) or (N, C, H, W)) and ``y`` (integers), or by other usual
            names. uint8 arrays are normalised by the arrays ``mean`` and ``std`` of the file, or
            by its own statistics if it has none; float arrays are taken as already normalised. Rows
            (N, F), floating point or ids of tokens, and volumes (N, C, D, H, W) are taken as they
            are. ``huggingface:DIR`` is a data set as Hugging Face's ``datasets`` saves it. Or a
            data set object: of torchvision's kind (``dataset[i]`` is a pair of image and label),
            where images are pictures of Pillow or tensors, which are taken as arrays are; or of
            Hugging Face's.
        train: number of training images, at least 2.
        val: number of validation images, at least 2.
        seed: from 0 to 2**63 - 1.
        size: height and width to resize to (bilinear). By default 32 for ``digits``, ``noise``
            and ``folder:``, and no resizing for the rest; pictures of data sets of several sizes
            become 32×32.

    Returns:
        A batch of (train, C, H, W) and (val, C, H, W) float32 images, or of other examples, with
        int64 labels; ``num_classes`` counts the classes of the whole source.

    Raises:
        InputError: an argument is out of range, or the source is unknown, missing, unreadable,
            too small or of a wrong shape or dtype.

    Warns:
        ImageWarning: images were replaced since they were equal to others or blank, or something
            else about the images may not be as expected.
    """
    _check_integer("train", train, 2)
    _check_integer("val", val, 2)
    _check_integer("seed", seed, 0, 2**63 - 1)
    if size is not None:
        _check_integer("size", size, 1)
    opened = open_source(source, Request(train, val, seed, size))
    name = source_name(source)
    if opened.plain and size is not None:
        raise InputError(f"a size is for images, which {name} doesn't hold; leave it out")
    return drawn_batch(
        opened, name, train, val, seed, lambda indices: _prepare(opened, indices, size)
    )


def batch_of(
    examples: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    *,
    train: int = 64,
    val: int = 64,
    seed: int = 0,
    standardise: bool = False,
) -> Batch:
    """Chooses among examples of any kind that a network takes, as ``load_batch`` does.

    Args:
        examples: (N, …), anything that NumPy makes an array of, or a tensor: floating-point
            numbers (rows of a table, waveforms, volumes, normalised images) become float32, whole
            numbers (ids of tokens) int64. Nothing is reshaped or scaled.
        labels: (N,) integers; unless they are 0 to K−1 with every value present, they are
            renumbered in sorted order.
        train, val, seed: as for ``load_batch``.
        standardise: bring floating-point examples to mean 0 and standard deviation 1, for each
            index of their first axis: the columns of a table, the channels of everything else.

    Raises:
        InputError: an argument is out of range, or examples or labels are of a wrong shape or
            type, not finite, or too few.

    Warns:
        ImageWarning: examples were replaced since they were equal to others.
    """
    _check_integer("train", train, 2)
    _check_integer("val", val, 2)
    _check_integer("seed", seed, 0, 2**63 - 1)
    what = "the arrays"
    values = as_examples(examples, what)
    if standardise:
        values = standardised(values, what)
    numbers, num_classes = as_labels(labels, len(values), what)
    opened = plain(values, numbers, num_classes)
    return drawn_batch(
        opened, "arrays", train, val, seed, lambda indices: _prepare(opened, indices, None)
    )


def drawn_batch(
    opened: ImageSource,
    name: str,
    train: int,
    val: int,
    seed: int,
    prepare: Callable[[np.ndarray], Tensor],
) -> Batch:
    """The batch that a seed draws; ``prepare`` takes (n,) indices and gives those examples."""
    generator = torch.Generator().manual_seed(seed)
    drawn = draw(opened.labels, train, val, generator, prepare)
    if drawn.replaced:
        warnings.warn(
            f"{drawn.replaced} {noun(drawn.images)} drawn from {name} for a batch of "
            f"{train + val} were equal to another one or blank, and others were drawn in their "
            "place",
            ImageWarning,
            stacklevel=3,
        )
    chosen = torch.from_numpy(opened.labels[drawn.indices].astype(np.int64))
    return Batch(
        images=drawn.images[:train].clone(),
        labels=chosen[:train].clone(),
        val_images=drawn.images[train:].clone(),
        val_labels=chosen[train:].clone(),
        num_classes=opened.num_classes,
        source=name,
    )


def _prepare(opened: ImageSource, indices: np.ndarray, size: int | None) -> Tensor:
    stored = opened.read(indices)
    if opened.plain:
        return torch.from_numpy(np.ascontiguousarray(stored))
    images = torch.from_numpy(np.ascontiguousarray(stored, dtype=np.float32))
    if stored.dtype == np.uint8:
        images = images / 255
    if size is not None:
        images = resize(images, size)
    if opened.normalisation is not None:
        images = opened.normalisation.apply(images)
    return images.contiguous()


def _check_integer(name: str, value: int, least: int, most: int | None = None) -> None:
    valid = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not valid or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"{name} must be a whole number, {limits}, not {value!r}")
