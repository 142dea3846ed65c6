"""Arrays out of an .npz file: what it holds is known before anything is unfolded."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tegnas.errors import InputError
from tegnas.reading import listed, regular_file, size_text

# All that is read of one file. More images than that belong in a folder, of which only the chosen
# ones are read.
_MOST_BYTES = 4 * 2**30
# Images are packed to a half or a tenth, those that are mostly empty to a fiftieth; what claims
# more and is large is made to fill the memory.
_MOST_PACKED = 100
_HARMLESS_BYTES = 256 * 2**20


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and dtype of a stored array, and the bytes of its contents."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def size(self) -> int:
        """Bytes once read."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{'×'.join(map(str, self.shape)) or 'one'} {self.dtype}"


def array_headers(path: Path) -> dict[str, ArrayHeader]:
    """Name → header of every array of the file, read without its contents.

    Raises:
        InputError: there is no such file, it is no .npz file, or is damaged.
    """
    with _opened(path) as archive:
        return {
            info.filename.removesuffix(".npy"): _header(archive, info)
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The named arrays of the file.

    Raises:
        InputError: as ``array_headers``; one is of Python objects, or they unfold to more than 4
            GiB or to more than 256 MiB and a hundred times what they are packed in.
    """
    with _opened(path) as archive:
        members = {name: archive.getinfo(f"{name}.npy") for name in names}
        headers = {name: _header(archive, info) for name, info in members.items()}
        _check_sizes(path, headers, members)
        read = {}
        for name, info in members.items():
            with archive.open(info) as file:
                read[name] = np.lib.format.read_array(file, allow_pickle=False)
        return read


def first_of(names: Sequence[str], stored: Mapping[str, ArrayHeader]) -> str | None:
    """The first of ``names`` that is stored; capitals count only where a name is there twice."""
    by_lower = {name.lower(): name for name in reversed(list(stored))}
    for name in names:
        if name in stored:
            return name
        if name in by_lower:
            return by_lower[name]
    return None


def described(stored: Mapping[str, ArrayHeader]) -> str:
    """The arrays of a file, for a message."""
    return listed(f"{name} ({header})" for name, header in stored.items())


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever a damaged one fails with becomes one ``InputError``."""
    if not path.exists():
        raise InputError(f"the image file {path} does not exist; check the path")
    regular_file(path, "the image file")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{path} needs more memory than there is; store fewer images") from None
    except Exception as error:  # a damaged zip file can fail in its index, sizes, data or headers
        raise InputError(
            f"{path} can't be read as an .npz file ({type(error).__name__}: {error}); it may be "
            "truncated, or its arrays may be of Python objects"
        ) from None


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader:
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"{info.filename} is of version {version} of the format")
        header, rest = ArrayHeader(shape, dtype), info.file_size - file.tell()
    if not dtype.hasobject and header.size != rest:
        raise ValueError(f"{info.filename} says it is {header} and has {rest} bytes")
    return header


def _check_sizes(
    path: Path, headers: Mapping[str, ArrayHeader], members: Mapping[str, zipfile.ZipInfo]
) -> None:
    for name, header in headers.items():
        if header.dtype.hasobject:
            raise ValueError(f"{name} holds Python objects")
    total = sum(header.size for header in headers.values())
    packed = sum(info.compress_size for info in members.values())
    if total > _MOST_BYTES:
        raise InputError(
            f"{path} unfolds to {size_text(total)}, more than the {size_text(_MOST_BYTES)} that "
            "are read at once; store fewer images, or a folder of image files"
        )
    if total > _HARMLESS_BYTES and total > _MOST_PACKED * packed:
        raise InputError(
            f"{path} unfolds from {size_text(packed)} to {size_text(total)}, as images don't; "
            "check where it comes from, and store it without compression if it is right"
        )
