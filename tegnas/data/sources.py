"""The table of image sources, and how their names are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from tegnas.data.cifar import open_cifar10, open_cifar100
from tegnas.data.folder import open_folder
from tegnas.data.huggingface import is_huggingface, open_columns, open_huggingface
from tegnas.data.imagenet16 import open_imagenet16
from tegnas.data.npz import open_arrays, open_npz
from tegnas.data.objects import open_object
from tegnas.data.source import ImageSource, Request
from tegnas.data.tables import open_breast_cancer, open_wine
from tegnas.data.toy import open_digits, open_noise
from tegnas.errors import InputError

# A source as the user names it, or a data set object of another library.
Source = str | PathLike[str] | Any

_BUILT_IN: dict[str, Callable[[Request], ImageSource]] = {
    "digits": open_digits,
    "noise": open_noise,
    "wine": open_wine,
    "breast-cancer": open_breast_cancer,
}
_FROM_FOLDER: dict[str, Callable[[Path, Request], ImageSource]] = {
    "cifar10": open_cifar10,
    "cifar100": open_cifar100,
    "imagenet16": open_imagenet16,
    "folder": open_folder,
    "arrays": open_arrays,
    "huggingface": open_huggingface,
}
_DESCRIPTIONS = {
    "digits": "handwritten digits from scikit-learn, 10 classes; needs no files",
    "noise": "Gaussian noise with balanced labels, 10 classes; needs no files",
    "cifar10:DIR": "CIFAR-10 training images, python or binary version",
    "cifar100:DIR": "CIFAR-100 training images with fine labels, python or binary version",
    "imagenet16:DIR": "ImageNet downsampled to 16×16",
    "imagenet16-120:DIR": "the first 120 classes of it; any number from 2 to 1000 can stand there",
    "folder:DIR": "image files with one sub-folder per class (needs Pillow)",
    "huggingface:DIR": "a data set as Hugging Face's datasets saves it, or its Parquet files; "
    "#COLUMN names the labels where there are several",
    "FILE.npz": "arrays x (images, rows, ids) and y (labels) or so called, optionally mean and std",
    "arrays:FILE.npz": "the same, examples of any shape taken as they are",
    "wine": "178 rows of 13 columns from scikit-learn, 3 classes; needs no files",
    "breast-cancer": "569 rows of 30 columns from scikit-learn, 2 classes; needs no files",
}


def describe_sources() -> dict[str, str]:
    """Every kind of source as the user writes it, with one line about it."""
    return dict(_DESCRIPTIONS)


def source_name(source: Source) -> str:
    """What results call a source: the text itself; library and class of a data set object."""
    if isinstance(source, str | PathLike):
        return fspath(source)
    kind = type(source)
    return f"{kind.__module__.partition('.')[0]}:{kind.__name__}"


def open_source(source: Source, request: Request) -> ImageSource:
    """The source that the text names, or a data set object.

    Args:
        source: one of the forms of :func:`describe_sources`; or a data set of torchvision's kind,
            or of Hugging Face's.
        request: numbers of images, seed and size, for the sources that depend on them.

    Raises:
        InputError: no such source, its file or folder is missing or was not given, or what is in
            it can't be used.
    """
    if not isinstance(source, str | PathLike):
        if is_huggingface(source):
            return open_columns(source, request, "the data set")
        return open_object(source, request)
    text = fspath(source)
    name, colon, argument = text.partition(":")
    if text.lower().endswith(".npz") and name not in _FROM_FOLDER:
        return open_npz(Path(text).expanduser(), request)
    if name in _BUILT_IN:
        if colon:
            raise InputError(f"the image source '{name}' takes no folder: write just '{name}'")
        return _BUILT_IN[name](request)
    opener = _FROM_FOLDER.get(name) or _limited_imagenet16(name)
    if opener is None:
        raise InputError(f"unknown image source '{text}'; known are {', '.join(_DESCRIPTIONS)}")
    if not argument:
        if name == "arrays":
            raise InputError("the source 'arrays' needs a file: write arrays:FILE.npz")
        raise InputError(f"the image source '{name}' needs a folder: write {name}:DIR")
    return opener(Path(argument).expanduser(), request)


def _limited_imagenet16(name: str) -> Callable[[Path, Request], ImageSource] | None:
    match = re.fullmatch(r"imagenet16-(\d{1,4})", name)
    if match is None:
        return None
    classes = int(match[1])
    if not 2 <= classes <= 1000:
        raise InputError(f"'{name}': the number of classes of ImageNet16 must be from 2 to 1000")
    return partial(open_imagenet16, classes=classes)
