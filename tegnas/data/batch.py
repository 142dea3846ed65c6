"""The one value that holds examples: what every indicator of a search is computed on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tegnas.data.distinct import check_distinct
from tegnas.data.resize import resize
from tegnas.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Labelled training and validation examples, normalised and checked.

    Kernels are computed on the training examples; the paper's G regresses from these to the
    validation examples. Examples are images, or any tensors that a network takes: rows of a table,
    ids of tokens, waveforms, volumes.

    No example of a split may be there twice (up to rounding), and no image blank (of one colour,
    unless all are): that makes every network's kernel singular, or as good as.

    Attributes:
        images: (N, C, H, W) float32 images, or other examples (N, …) float32 or int64; finite,
            N ≥ 2.
        labels: (N,) int64 in [0, ``num_classes``), at least two different ones.
        val_images: (M, …), M ≥ 2, of the shape and type of ``images``.
        val_labels: (M,) int64 in [0, ``num_classes``).
        num_classes: the number of classes of the source, which may be more than occur here.
        source: where the examples came from, as the user wrote it.

    Raises:
        InputError: if any of the above does not hold.
    """

    images: Tensor
    labels: Tensor
    val_images: Tensor
    val_labels: Tensor
    num_classes: int
    source: str

    def __post_init__(self) -> None:
        _check_split("training", self.images, self.labels, self.num_classes)
        _check_split("validation", self.val_images, self.val_labels, self.num_classes)
        if self.images.shape[1:] != self.val_images.shape[1:]:
            raise InputError(
                f"training {self.noun} are {_shape(self.images)} and validation {self.noun} "
                f"{_shape(self.val_images)}; bring both to one shape"
            )
        if self.images.dtype != self.val_images.dtype:
            raise InputError(
                f"training {self.noun} are {self.images.dtype} and validation {self.noun} "
                f"{self.val_images.dtype}; convert one of them"
            )
        check_classes(self.labels)
        check_distinct(self.images, f"training {self.noun}")
        check_distinct(self.val_images, f"validation {self.noun}")

    @property
    def of_images(self) -> bool:
        """Whether the examples are images: floating point, (N, C, H, W)."""
        return are_images(self.images)

    @property
    def noun(self) -> str:
        """What the examples are called: ``images`` or ``examples``."""
        return noun(self.images)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one example, (C, H, W) of an image."""
        return tuple(self.images.shape[1:])

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the contents: shapes, dtypes, bytes and ``num_classes``.

        Where the images came from (``source``) and the device they are on make no difference.
        """
        digest = hashlib.sha256(f"classes {self.num_classes}".encode())
        for tensor in (self.images, self.labels, self.val_images, self.val_labels):
            digest.update(f";{tensor.dtype}{tuple(tensor.shape)}:".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: torch.device | str) -> Batch:
        """The same batch with its tensors on ``device``."""
        return replace(
            self,
            images=self.images.to(device),
            labels=self.labels.to(device),
            val_images=self.val_images.to(device),
            val_labels=self.val_labels.to(device),
        )

    def with_channels(self, channels: int) -> Batch:
        """The same images with so many channels: one becomes three equal ones, and these one again.

        Images of other numbers of channels, colours and examples that aren't images stay as they
        are.
        """
        if not self.of_images or {self.images.shape[1], channels} != {1, 3}:
            return self
        if channels == 3:
            images, val_images = (
                each.expand(-1, 3, -1, -1).contiguous() for each in (self.images, self.val_images)
            )
        elif all(bool((each == each[:, :1]).all()) for each in (self.images, self.val_images)):
            images, val_images = (each[:, :1].clone() for each in (self.images, self.val_images))
        else:
            return self
        return replace(self, images=images, val_images=val_images)

    def shrunk(self, size: int) -> Batch:
        """The same batch with images of at most ``size`` pixels a side (bilinear, smoothed).

        Examples that aren't images stay as they are.

        Raises:
            InputError: two images are equal, or one is blank, once they are that small.
        """
        if not self.of_images or max(self.images.shape[2:]) <= size:
            return self
        images, val_images = resize(self.images, size), resize(self.val_images, size)
        check_distinct(images, f"training images shrunk to {size}×{size}")
        check_distinct(val_images, f"validation images shrunk to {size}×{size}")
        return replace(self, images=images, val_images=val_images)

    def __repr__(self) -> str:
        return (
            f"Batch({self.source!r}, {len(self.images)} + {len(self.val_images)} {self.noun} of "
            f"{_shape(self.images)}, {self.num_classes} classes)"
        )


def are_images(examples: Tensor) -> bool:
    """Whether examples (N, …) are images: floating point, (N, C, H, W)."""
    return examples.dim() == 4 and examples.is_floating_point()


def noun(examples: Tensor) -> str:
    """What examples (N, …) are called."""
    return "images" if are_images(examples) else "examples"


def check_classes(labels: Tensor) -> None:
    """Raises InputError if all training examples have one label."""
    if bool((labels == labels[0]).all()):
        raise InputError(
            "all training examples belong to one class, so the generalization indicator (G) "
            "is meaningless; use examples of at least two classes"
        )


def _shape(images: Tensor) -> str:
    return "×".join(str(size) for size in images.shape[1:])


def _check_split(name: str, images: Tensor, labels: Tensor, num_classes: int) -> None:
    what = f"{name} {noun(images)}"
    if images.dtype not in (torch.float32, torch.int64):
        raise InputError(
            f"{what} must be float32, or int64 where they are ids, not {images.dtype}; normalise "
            "and convert them first, or let tegnas.batch_of do it"
        )
    if images.dim() < 2:
        raise InputError(
            f"{what} must have 2 dimensions or more, images 4 (N, C, H, W), not {images.dim()}: "
            f"{tuple(images.shape)}"
        )
    if len(images) < 2:
        raise InputError(f"{what}: {len(images)} given, but a kernel needs at least 2")
    if 0 in images.shape:
        raise InputError(f"{what} of {_shape(images)} hold no values")
    if not bool(torch.isfinite(images).all()):
        raise InputError(f"{what} hold NaN or infinite values; clean the source first")
    if labels.dtype != torch.int64 or labels.dim() != 1:
        raise InputError(
            f"{name} labels must be a 1-dimensional int64 tensor, not {labels.dtype} of shape "
            f"{tuple(labels.shape)}"
        )
    if len(labels) != len(images):
        raise InputError(f"{len(images)} {what} have {len(labels)} labels; give one label for each")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= num_classes:
        raise InputError(
            f"{name} labels run from {lowest} to {highest}, but {num_classes} classes need "
            f"labels from 0 to {num_classes - 1}"
        )
