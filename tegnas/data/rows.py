"""Images stored as rows of bytes (channel, height, width), as CIFAR and its like are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tegnas.data.arrays import array_headers, described, read_arrays
from tegnas.data.unpickle import load_pickled_dict
from tegnas.errors import InputError
from tegnas.reading import regular_file

_NESTED = (list, tuple, dict, np.ndarray)
_MOST_BYTES = 2 * 2**30  # of a file of rows; the largest that are published have 100 MB


def read_pickled_rows(path: Path, label_key: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, side, side) uint8 and labels (n,) int64 of one pickled batch file.

    Raises:
        InputError: the file can't be read, lacks ``data`` or ``label_key``, or these do not fit.
    """
    content = load_pickled_dict(path)
    for key in ("data", label_key):
        if key not in content:
            raise InputError(
                f"{path} has no entry '{key}' (it has {', '.join(sorted(content)) or 'none'}); "
                "check that it belongs to the data set named"
            )
    return _images(path, content["data"], side), _labels(path, content[label_key], content["data"])


def read_npz_rows(path: Path, label_key: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of an .npz file with arrays ``data`` and ``label_key``.

    Raises:
        InputError: the file can't be read, lacks one of the arrays, or these do not fit.
    """
    stored = array_headers(path)
    for key in ("data", label_key):
        if key not in stored:
            raise InputError(
                f"{path} has no array '{key}' (it has {described(stored)}); check that it belongs "
                "to the data set named"
            )
    content = read_arrays(path, ["data", label_key])
    return _images(path, content["data"], side), _labels(path, content[label_key], content["data"])


def _images(path: Path, data: Any, side: int) -> np.ndarray:
    width = 3 * side * side
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
        kind = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
        raise InputError(f"{path}: 'data' must be a uint8 array of pixels, not {kind}")
    if data.ndim != 2 or data.shape[1] != width:
        raise InputError(
            f"{path}: 'data' must have rows of {width} bytes (3×{side}×{side}), but its shape is "
            f"{data.shape}"
        )
    return data.reshape(-1, 3, side, side)


def _labels(path: Path, stored: Any, data: np.ndarray) -> np.ndarray:
    labels = None
    # Lists within the list, which a pickle may nest without end, aren't unfolded.
    if isinstance(stored, np.ndarray) or (
        isinstance(stored, list | tuple) and not any(isinstance(each, _NESTED) for each in stored)
    ):
        labels = np.asarray(stored)
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(f"{path}: the labels must be a list of integers")
    if len(labels) != len(data):
        raise InputError(f"{path} has {len(data)} images but {len(labels)} labels")
    return labels.astype(np.int64)


def read_binary_rows(
    path: Path, label_bytes: int, label_index: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, side, side) uint8 and labels (n,) int64 of one file of fixed-length rows.

    Each row is ``label_bytes`` bytes of labels, of which number ``label_index`` counts, and then
    the pixels.

    Raises:
        InputError: the file is empty, unreadable, or not a whole number of rows.
    """
    try:
        file = regular_file(path, "the image file", _MOST_BYTES)
        content = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); check the path") from None
    width = label_bytes + 3 * side * side
    if len(content) == 0 or len(content) % width:
        raise InputError(
            f"{path} has {len(content)} bytes, not a whole number of rows of {width}; it may be "
            "truncated, get it again"
        )
    rows = content.reshape(-1, width)
    return rows[:, label_bytes:].reshape(-1, 3, side, side), rows[:, label_index].astype(np.int64)
