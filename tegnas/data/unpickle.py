"""Reading pickled data files without running anything that is in them.

A pickle is a program: loading one from the internet with ``pickle.load`` runs whatever it says.
The files of CIFAR and of downsampled ImageNet need only dictionaries, lists, strings, numbers and
NumPy arrays, so only those are rebuilt, and arrays not by NumPy's own unpickling code but from
their bytes, shape and a dtype of a short list.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tegnas.errors import InputError
from tegnas.reading import regular_file

_DTYPES = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f2", "f4", "f8", "b1"}


class _PickledDtype:
    """Stands for numpy.dtype: a name of the list, and the byte order that follows it."""

    def __init__(self, name: str | bytes, align: int = 0, copy: int = 1) -> None:
        text = name.decode("ascii") if isinstance(name, bytes) else name
        if text not in _DTYPES:
            raise pickle.UnpicklingError(f"array of dtype {text}")
        self.name = text
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        self.order = "<" if order == "<" else ">" if order == ">" else "="

    def numpy(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.name)


class _PickledArray:
    """Stands for numpy.ndarray until its state (shape, dtype, bytes) has been read."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, data = state
        self.value = _array_from(data, dtype, shape, "F" if is_fortran else "C")


def _array_from(data: bytes, dtype: _PickledDtype, shape: tuple[int, ...], order: str) -> Any:
    flat = np.frombuffer(data, dtype=dtype.numpy())
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(subtype: object, shape: object, typecode: object) -> _PickledArray:
    return _PickledArray()


def _scalar(dtype: _PickledDtype, data: bytes) -> Any:
    return np.frombuffer(data, dtype=dtype.numpy(), count=1)[0]


def _encode(text: str, encoding: str) -> bytes:
    # How Python 3 writes bytes for readers of protocol 2.
    return text.encode("latin1")


# NumPy 2 renamed numpy.core to numpy._core; files of both kinds are about.
_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _PickledArray,
    ("numpy", "dtype"): _PickledDtype,
    ("_codecs", "encode"): _encode,
    **{
        (f"numpy.{core}.{module}", name): function
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _array_from),
        )
    },
}


_REMEMBERS = {"PUT", "BINPUT", "LONG_BINPUT"}
_MOST_BYTES = 2 * 2**30  # the largest published files have 100 MB


class _Forbidden(Exception):
    """The file asks for something that data files don't need."""


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Forbidden(f"{module}.{name}")
        return _ALLOWED[module, name]


def _check_memo(file: BinaryIO, size: int) -> None:
    """Refuse numbers of remembered values that a file of this size can't have.

    The reader makes room for as many values as the highest number says: a few bytes would fill the
    memory.
    """
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in _REMEMBERS and isinstance(argument, int) and argument > size:
            raise pickle.UnpicklingError(f"value {argument} remembered in a file of {size} bytes")


def load_pickled_dict(path: Path) -> dict[str, Any]:
    """The dictionary pickled in ``path``, its keys as strings and its arrays as NumPy arrays.

    Args:
        path: a file written by Python 2 or 3, any pickle protocol.

    Raises:
        InputError: the file is missing, truncated, no pickle of a dictionary, or holds anything
            but numbers, strings, bytes, lists, tuples, dictionaries and numeric arrays.
    """
    if not path.exists():
        raise InputError(f"the file {path} does not exist; check the path")
    regular_file(path, "the file", _MOST_BYTES)
    try:
        with path.open("rb") as file:
            _check_memo(file, path.stat().st_size)
            file.seek(0)
            content = _DataUnpickler(file, encoding="bytes").load()
    except _Forbidden as forbidden:
        raise InputError(
            f"{path} asks Python to import {forbidden}, which a data file has no use for: it was "
            "not loaded; get the file again from its official source"
        ) from None
    except Exception as error:  # a damaged pickle can fail in any of its instructions
        raise InputError(
            f"{path} can't be read as a pickled data file ({type(error).__name__}: {error}); it "
            "may be truncated, get it again"
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a {type(content).__name__}, not a dictionary of arrays")
    return {_text(key): _plain(value) for key, value in content.items()}


def _text(key: Any) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)


def _plain(value: Any) -> Any:
    return getattr(value, "value", None) if isinstance(value, _PickledArray) else value
