"""From the name of a source to a batch."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from tegnas.data.batch import Batch
from tegnas.data.draw import draw
from tegnas.data.resize import resize
from tegnas.data.source import ImageSource, ImageWarning, Request
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
    """Chooses images of a source at random and normalises them.

    The choice depends on ``seed`` alone (not on torch's global generator), never repeats an
    image, and is as even over the classes as the source allows. Where the source itself holds an
    image twice, or blank ones, others are drawn in their place: two equal images make the kernel
    of every network singular. Both splits come from the
    source's training images, so that a search never sees the test set. Grey images become three
    equal channels. Data sets are normalised per channel by their published mean and standard
    deviation, ``digits`` and ``folder:`` by their own; for .npz files see below.

    Args:
        source: ``digits``, ``noise``, ``cifar10:DIR``, ``cifar100:DIR``, ``imagenet16:DIR``,
            ``imagenet16-120:DIR`` (the first 120 classes), ``folder:DIR`` (one sub-folder per
            class) or ``FILE.npz`` with arrays ``x`` (uint8 or float, (N, H, W), (N, H, W, C) or
            (N, C, H, W)) and ``y`` (integers), or by other usual names. uint8 arrays are
            normalised by the arrays ``mean`` and ``std`` of the file, or by its own statistics
            if it has none; float arrays are taken as already normalised. ``huggingface:DIR`` is a
            data set as Hugging Face's ``datasets`` saves it. Or a data set object: of torchvision's
            kind (``dataset[i]`` is a pair of image and label), where images are pictures of Pillow
            or tensors, which are taken as arrays are; or of Hugging Face's.
        train: number of training images, at least 2.
        val: number of validation images, at least 2.
        seed: from 0 to 2**63 - 1.
        size: height and width to resize to (bilinear). By default 32 for ``digits``, ``noise``
            and ``folder:``, and no resizing for the rest; pictures of data sets of several sizes
            become 32×32.

    Returns:
        A batch of (train, 3, H, W) and (val, 3, H, W) float32 images with int64 labels;
        ``num_classes`` counts the classes of the whole source.

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
    generator = torch.Generator().manual_seed(seed)
    drawn = draw(
        opened.labels, train, val, generator, lambda indices: _prepare(opened, indices, size)
    )
    if drawn.replaced:
        warnings.warn(
            f"{drawn.replaced} images drawn from {source_name(source)} for a batch of "
            f"{train + val} were equal to another one or blank, and others were drawn in their "
            "place",
            ImageWarning,
            stacklevel=2,
        )
    labels = torch.from_numpy(opened.labels[drawn.indices].astype(np.int64))
    return Batch(
        images=drawn.images[:train].clone(),
        labels=labels[:train].clone(),
        val_images=drawn.images[train:].clone(),
        val_labels=labels[train:].clone(),
        num_classes=opened.num_classes,
        source=source_name(source),
    )


def _prepare(opened: ImageSource, indices: np.ndarray, size: int | None) -> Tensor:
    stored = opened.read(indices)
    images = torch.from_numpy(np.ascontiguousarray(stored, dtype=np.float32))
    if stored.dtype == np.uint8:
        images = images / 255
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
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
