"""Data sets of other libraries, as objects: what torchvision's are like."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tegnas.data.decode import decode_picture, import_pillow
from tegnas.data.normalise import Normalisation
from tegnas.data.resize import resize
from tegnas.data.source import ImageSource, ImageWarning, Request
from tegnas.errors import InputError

_DEFAULT_SIZE = 32
_PROBED = 16  # images that tell of what kind and size they are
_STATISTICS_IMAGES = 1000


def open_object(dataset: Any, request: Request) -> ImageSource:
    """The images of a data set of which ``dataset[i]`` is a pair (image, label).

    Such are torchvision's, and all with that interface of ``torch.utils.data.Dataset``. Images are
    pictures of Pillow or, behind a transform such as ``ToTensor``, tensors or arrays.

    Args:
        dataset: has a length too; its attributes ``targets`` and ``classes`` are used where there
            are such, else every item is read once for its label.
        request: ``size`` is used.

    Raises:
        InputError: it isn't of that kind, labels aren't whole numbers, images differ from one
            reading to the next (a random transform) or are of a kind that isn't read.
    """
    name = type(dataset).__name__
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise InputError(
            f"{name} is no image source: give the name of one, a Batch by tegnas.Batch(...), or a "
            "data set with a length of which each item is an image and its label"
        )
    if len(dataset) == 0:
        raise InputError(f"the data set {name} is empty")
    labels = _labels(dataset, name)
    names: Any = getattr(dataset, "classes", None)
    classes = max(int(labels.max()) + 1, len(names) if hasattr(names, "__len__") else 0)
    return of_images(lambda index: _pair(dataset, index, name)[0], labels, classes, request, name)


def of_images(
    image: Callable[[int], Any], labels: np.ndarray, classes: int, request: Request, name: str
) -> ImageSource:
    """The source of images that are given one by one.

    Pictures of Pillow are read as image files are (see :func:`tegnas.data.decode.decode`) and
    normalised by the statistics of the set. They keep their size where those looked at are squares
    of one size, and become ``size``×``size`` else, or 32×32. Tensors and arrays are treated as
    those of an .npz file: uint8 is normalised by the set's statistics, floats are taken as they
    are.

    Args:
        image: takes an index and gives a picture, a tensor or an array.
        labels: (N,) int64.
        classes: their number.
        request: ``size`` is used.
        name: what messages call the set.
    """
    count = len(labels)
    places = np.unique(np.linspace(0, count - 1, min(count, _PROBED)).round().astype(np.int64))
    probes = [image(int(place)) for place in places]
    for place, probe in zip(places, probes, strict=True):
        if not np.array_equal(np.asarray(probe), np.asarray(image(int(place)))):
            raise InputError(
                f"the data set {name} gives other pixels each time, because its transform is "
                "random; open it without augmentation"
            )
    sample = np.linspace(0, count - 1, min(count, _STATISTICS_IMAGES)).round().astype(np.int64)
    reader: _Pictures | _Arrays
    if all(map(_is_picture, probes)):
        sizes = {probe.size for probe in probes}
        (width, height), *others = sizes
        side = request.size or (width if not others and width == height else _DEFAULT_SIZE)
        reader = _Pictures(image, side, name)
    else:
        reader = _Arrays(image, request.size, name)
    pixels = reader.read(sample)
    given = isinstance(reader, _Arrays) and pixels.dtype != np.uint8 and not reader.stretched
    return ImageSource(labels, classes, reader.read, None if given else Normalisation.of(pixels))


class _Pictures:
    """Pictures of Pillow, stretched to one size."""

    def __init__(self, image: Callable[[int], Any], side: int, name: str) -> None:
        self._image = image
        self._side = side
        self._name = name
        self._said = False

    def read(self, indices: np.ndarray) -> np.ndarray:
        read = []
        remarks: Counter[str] = Counter()
        for index in indices.tolist():
            picture = self._image(index)
            name = f"image {index} of {self._name}"
            if not _is_picture(picture):
                raise InputError(f"{name} is no picture of Pillow as others are")
            decoded = decode_picture(picture, name, self._side)
            remarks.update(decoded.remarks)
            read.append(decoded.pixels)
        if not self._said:
            self._said = True
            for remark, count in remarks.items():
                warnings.warn(
                    f"{count} of {len(read)} images of {self._name} are read with {remark}",
                    ImageWarning,
                    stacklevel=2,
                )
        if len({pixels.dtype for pixels in read}) > 1:
            raise InputError(
                f"{self._name} has images of 8 bits beside deeper ones; store all in one way"
            )
        return np.stack(read)


class _Arrays:
    """Tensors and arrays: (C, H, W), (H, W, C) or (H, W), uint8 or floating point."""

    def __init__(self, image: Callable[[int], Any], side: int | None, name: str) -> None:
        self._image = image
        self._side = side
        self._name = name
        # uint8 images become floats when they are stretched, on the scale where white is 1.
        self.stretched = False

    def read(self, indices: np.ndarray) -> np.ndarray:
        read = [self._one(index) for index in indices.tolist()]
        if len({(pixels.shape, pixels.dtype) for pixels in read}) > 1:
            raise InputError(
                f"the images of {self._name} are of several sizes or types; give a size to bring "
                "them to, and one type"
            )
        return np.stack(read)

    def _one(self, index: int) -> np.ndarray:
        value = self._image(index)
        pixels = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        name = f"image {index} of {self._name}"
        if not isinstance(pixels, np.ndarray) or pixels.ndim not in (2, 3):
            raise InputError(
                f"{name} is a {type(value).__name__}; read are pictures of Pillow, tensors (C, H, "
                "W) and arrays of two or three dimensions"
            )
        if pixels.ndim == 2:
            pixels = pixels[None]
        elif pixels.shape[0] not in (1, 3) and pixels.shape[2] in (1, 3):
            pixels = pixels.transpose(2, 0, 1)
        if pixels.shape[0] not in (1, 3):
            raise InputError(f"{name} is {pixels.shape}, which has not 1 or 3 channels")
        if pixels.dtype != np.uint8 and pixels.dtype.kind != "f":
            raise InputError(
                f"{name} is of {pixels.dtype}; read are uint8, and floats that are normalised"
            )
        if self._side is None or pixels.shape[1:] == (self._side, self._side):
            return pixels
        scale = 1.0
        if pixels.dtype == np.uint8:
            scale, self.stretched = 255.0, True
        stretched = resize(torch.from_numpy(pixels / scale).float()[None], self._side)
        return stretched[0].numpy()


def _is_picture(value: Any) -> bool:
    return hasattr(value, "convert") and isinstance(value, import_pillow().Image)


def _pair(dataset: Any, index: int, name: str) -> tuple[Any, Any]:
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise InputError(
            f"item {index} of {name} isn't a pair of image and label; wrap the data set so that "
            "it gives such pairs"
        )
    return item[0], item[1]


def _labels(dataset: Any, name: str) -> np.ndarray:
    """The labels by the attribute ``targets`` where that says what items say, else by the items."""
    targets = getattr(dataset, "targets", None)
    if targets is not None and len(targets) == len(dataset):
        known = _whole(targets, name)
        places = {0, len(dataset) // 2, len(dataset) - 1}
        if all(_whole([_pair(dataset, at, name)[1]], name)[0] == known[at] for at in places):
            return known
    return _whole([_pair(dataset, index, name)[1] for index in range(len(dataset))], name)


def _whole(labels: Any, name: str) -> np.ndarray:
    values = np.asarray([int(each) if _is_whole(each) else -1 for each in labels], dtype=np.int64)
    if values.min() < 0:
        raise InputError(f"the labels of {name} must be whole numbers from 0")
    return values


def _is_whole(value: Any) -> bool:
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.size == 1 if isinstance(value, np.ndarray) else value.numel() == 1
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
