"""Data sets of Hugging Face's ``datasets``: saved folders, Parquet files, objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tegnas.data.objects import of_images
from tegnas.data.source import ImageSource, Request, require_folder
from tegnas.errors import InputError
from tegnas.reading import listed

_SPLIT = "train"
_SAVED = ("dataset_dict.json", "dataset_info.json", "state.json")
# Names of columns that hold labels where their type doesn't say so.
_LABEL_NAMES = ("label", "labels", "target", "targets", "class")


def open_huggingface(path: Path, request: Request) -> ImageSource:
    """The images of a folder that ``save_to_disk`` wrote, or that holds Parquet files.

    Of several splits it is ``train``. ``DIR#COLUMN`` names the column of the labels.

    Args:
        path: the folder, perhaps with ``#COLUMN``.
        request: ``size`` is used.

    Raises:
        InputError: the package datasets is missing, the folder is, or it holds no such data set.
    """
    folder, _, column = (str(path), "", "") if path.exists() else str(path).rpartition("#")
    folder, column = (folder, column) if folder else (column, "")
    require_folder(Path(folder))
    datasets = _library()
    try:
        if any(Path(folder, name).is_file() for name in _SAVED):
            dataset = datasets.load_from_disk(folder)
        else:
            dataset = datasets.Dataset.from_parquet(_parquet_files(Path(folder)))
    except InputError:
        raise
    except Exception as error:  # whatever its readers of JSON, Arrow and Parquet raise
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise InputError(
            f"{folder} can't be read as a data set of Hugging Face ({type(error).__name__}: "
            f"{reason}); write it with save_to_disk"
        ) from None
    return open_columns(dataset, request, folder, column or None)


def is_huggingface(value: Any) -> bool:
    """Whether an object is a data set of that library, or a dictionary of its splits."""
    return type(value).__module__.partition(".")[0] == "datasets"


def open_columns(
    dataset: Any, request: Request, name: str, column: str | None = None
) -> ImageSource:
    """The images and labels of a ``datasets.Dataset``, or of the split ``train`` of several.

    Args:
        dataset: with one column of images.
        request: ``size`` is used.
        name: what messages call it.
        column: of the labels; by default the one of type ``ClassLabel``, or one that is called
            label.

    Raises:
        InputError: several splits without ``train``, no column of images or of labels, several of
            them, or labels that can't be told apart as classes.
    """
    if isinstance(dataset, Mapping):
        dataset = _split(dataset, name)
    if not hasattr(dataset, "features") or not hasattr(dataset, "__len__"):
        raise InputError(f"{name} is a {type(dataset).__name__}, which can't be read by index")
    images = [key for key, kind in dataset.features.items() if type(kind).__name__ == "Image"]
    if len(images) != 1:
        raise InputError(
            f"{name} must have one column of images, and has {len(images)} (columns: "
            f"{listed(dataset.column_names)}); leave the others out by select_columns"
        )
    column = column or _label_column(dataset, name)
    if column not in dataset.column_names:
        raise InputError(f"{name} has no column {column!r}; it has {listed(dataset.column_names)}")
    labels, classes = _labels(dataset, column, name)
    pictures = dataset.select_columns(images)
    return of_images(lambda index: pictures[index][images[0]], labels, classes, request, name)


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise InputError(
            "a data set of Hugging Face needs the package datasets; install it with: "
            "pip install 'tegnas[huggingface]'"
        ) from None
    return datasets


def _parquet_files(folder: Path) -> list[str]:
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise InputError(
            f"{folder} holds neither what save_to_disk writes ({', '.join(_SAVED)}) nor Parquet "
            "files"
        )
    return [str(file) for file in files if file.name.startswith(_SPLIT)] or [
        str(file) for file in files
    ]


def _split(splits: Mapping[str, Any], name: str) -> Any:
    if _SPLIT in splits:
        return splits[_SPLIT]
    if len(splits) == 1:
        return next(iter(splits.values()))
    raise InputError(
        f"{name} has the splits {listed(splits)} and none called {_SPLIT}; give the folder of one "
        "of them"
    )


def _label_column(dataset: Any, name: str) -> str:
    features = dataset.features
    found = [key for key, kind in features.items() if type(kind).__name__ == "ClassLabel"]
    found = found or [key for key in features if key.lower() in _LABEL_NAMES]
    if len(found) == 1:
        return found[0]
    what = f"several columns of labels ({listed(found)})" if found else "no column of labels"
    raise InputError(
        f"{name} has {what} (columns: {listed(dataset.column_names)}); name it, as "
        "huggingface:DIR#COLUMN"
    )


def _labels(dataset: Any, column: str, name: str) -> tuple[np.ndarray, int]:
    values = list(dataset[column])
    if values and all(isinstance(each, str) for each in values):
        names = sorted(set(values))
        numbers = {text: number for number, text in enumerate(names)}
        return np.array([numbers[text] for text in values], dtype=np.int64), len(names)
    if not values or not all(type(each) is int and each >= 0 for each in values):
        raise InputError(
            f"the column {column!r} of {name} must hold a class for every image, as a whole number "
            "from 0 or a name"
        )
    labels = np.array(values, dtype=np.int64)
    known = getattr(dataset.features[column], "num_classes", None)
    return labels, max(int(labels.max()) + 1, known or 0)
