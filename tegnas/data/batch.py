"""The one value that holds images: what every indicator of a search is computed on."""

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
    """Labelled training and validation images, normalised and checked.

    κ and the region count use the training images; G regresses from the training images to the
    validation images.

    No image of a split may be there twice (up to rounding) or be blank (of one colour, unless all
    are): that makes every network's kernel singular, or as good as.

    Attributes:
        images: (N, C, H, W) float32, finite, N ≥ 2.
        labels: (N,) int64 in [0, ``num_classes``), at least two different ones.
        val_images: (M, C, H, W) float32, finite, M ≥ 2, images of the same shape as ``images``.
        val_labels: (M,) int64 in [0, ``num_classes``).
        num_classes: the number of classes of the source, which may be more than occur here.
        source: where the images came from, as the user wrote it.

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
                f"training images are {_shape(self.images)} and validation images "
                f"{_shape(self.val_images)}; bring both to one shape"
            )
        check_classes(self.labels)
        check_distinct(self.images, "training images")
        check_distinct(self.val_images, "validation images")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        _, channels, height, width = self.images.shape
        return channels, height, width

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

    def shrunk(self, size: int) -> Batch:
        """The same batch with images of at most ``size`` pixels a side (bilinear, smoothed).

        Raises:
            InputError: two images are equal, or one is blank, once they are that small.
        """
        if max(self.images.shape[2:]) <= size:
            return self
        images, val_images = resize(self.images, size), resize(self.val_images, size)
        check_distinct(images, f"training images shrunk to {size}×{size}")
        check_distinct(val_images, f"validation images shrunk to {size}×{size}")
        return replace(self, images=images, val_images=val_images)

    def __repr__(self) -> str:
        return (
            f"Batch({self.source!r}, {len(self.images)} + {len(self.val_images)} images of "
            f"{_shape(self.images)}, {self.num_classes} classes)"
        )


def check_classes(labels: Tensor) -> None:
    """Raises InputError if all training images have one label."""
    if bool((labels == labels[0]).all()):
        raise InputError(
            "all training images belong to one class, so the generalization indicator (G) "
            "is meaningless; use images of at least two classes"
        )


def _shape(images: Tensor) -> str:
    return "×".join(str(size) for size in images.shape[1:])


def _check_split(name: str, images: Tensor, labels: Tensor, num_classes: int) -> None:
    if images.dim() != 4:
        raise InputError(
            f"{name} images must have 4 dimensions (N, C, H, W), not {images.dim()}: "
            f"{tuple(images.shape)}"
        )
    if images.dtype != torch.float32:
        raise InputError(
            f"{name} images must be float32, not {images.dtype}; normalise and convert them first"
        )
    if len(images) < 2:
        raise InputError(
            f"{name} images: {len(images)} given, but a kernel needs at least 2 images"
        )
    if 0 in images.shape:
        raise InputError(f"{name} images of {_shape(images)} hold no pixels")
    if not bool(torch.isfinite(images).all()):
        raise InputError(f"{name} images hold NaN or infinite values; clean the source first")
    if labels.dtype != torch.int64 or labels.dim() != 1:
        raise InputError(
            f"{name} labels must be a 1-dimensional int64 tensor, not {labels.dtype} of shape "
            f"{tuple(labels.shape)}"
        )
    if len(labels) != len(images):
        raise InputError(
            f"{len(images)} {name} images have {len(labels)} labels; give one label per image"
        )
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= num_classes:
        raise InputError(
            f"{name} labels run from {lowest} to {highest}, but {num_classes} classes need "
            f"labels from 0 to {num_classes - 1}"
        )
