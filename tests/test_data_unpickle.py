"""Pickled data files are read without running what is in them."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tegnas.data.unpickle import load_pickled_dict
from tegnas.errors import InputError


def python2_pickle(data: np.ndarray, labels: list[int], label_key: bytes = b"labels") -> bytes:
    """The bytes that Python 2 and an old NumPy wrote: the form of the published CIFAR files."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    rows, columns = data.shape
    return (
        b"\x80\x02}("
        + text(b"data")
        + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        + b"(K\x01"
        + struct.pack("<cici", b"J", rows, b"J", columns)
        + b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T"
        + struct.pack("<i", data.size)
        + data.tobytes()
        + b"tb"
        + text(label_key)
        + b"]("
        + b"".join(b"K" + bytes([label]) for label in labels)
        + b"eu."
    )


class RunsACommand:
    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.reduced


ROWS = np.arange(24, dtype=np.uint8).reshape(2, 12)


def test_python2_file(tmp_path):
    file = tmp_path / "batch"
    file.write_bytes(python2_pickle(ROWS, [3, 1]))
    content = load_pickled_dict(file)
    assert np.array_equal(content["data"], ROWS) and content["labels"] == [3, 1]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["u1", "<i4", ">i8", "f4", "?"])
def test_arrays_of_every_protocol(tmp_path, protocol, dtype):
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    content = {"c": array, "fortran": np.asfortranarray(array), "scalar": array[1, 2], b"k": [b"x"]}
    (tmp_path / "file").write_bytes(pickle.dumps(content, protocol))
    loaded = load_pickled_dict(tmp_path / "file")
    assert loaded["c"].dtype == array.dtype
    assert np.array_equal(loaded["c"], array) and np.array_equal(loaded["fortran"], array)
    assert loaded["scalar"] == array[1, 2] and loaded["k"] == [b"x"]


@pytest.mark.parametrize("name", [b"numpy.core", b"numpy._core"])
def test_both_names_of_numpys_core(tmp_path, name):
    content = python2_pickle(ROWS, [0, 1]).replace(b"numpy.core", name)
    (tmp_path / "file").write_bytes(content)
    assert np.array_equal(load_pickled_dict(tmp_path / "file")["data"], ROWS)


@pytest.mark.parametrize(
    "payload",
    [
        RunsACommand(os.system, "touch {marker}"),
        RunsACommand(eval, "open('{marker}', 'w')"),
        RunsACommand(Path.touch, Path("{marker}")),
        RunsACommand(np.load, "{marker}"),
    ],
    ids=["os.system", "eval", "pathlib", "numpy.load"],
)
def test_malicious_pickle_is_refused_and_not_run(tmp_path, payload):
    marker = tmp_path / "marker"
    function, arguments = payload.reduced
    arguments = [type(a)(str(a).format(marker=marker)) for a in arguments]
    content = {"data": RunsACommand(function, *arguments), "labels": [0]}
    (tmp_path / "file").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match="asks Python to import .* was not loaded"):
        load_pickled_dict(tmp_path / "file")
    assert not marker.exists()


def test_arrays_of_objects_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(pickle.dumps({"data": np.array([None])}))
    with pytest.raises(InputError, match="array of dtype O8"):
        load_pickled_dict(tmp_path / "file")


def test_missing_file_and_other_content(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_pickled_dict(tmp_path / "none")
    (tmp_path / "list").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="holds a list, not a dictionary"):
        load_pickled_dict(tmp_path / "list")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(InputError, match="truncated"):
        load_pickled_dict(tmp_path / "empty")


@settings(derandomize=True, max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_give_an_input_error_or_a_dictionary(tmp_path_factory, data):
    whole = python2_pickle(ROWS, [3, 1])
    content = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "damaged"
    file.write_bytes(bytes(content))
    try:
        assert isinstance(load_pickled_dict(file), dict)
    except InputError as error:
        assert str(file) in str(error)


@pytest.mark.parametrize("number", [2**28, 2**31 - 1, 1000])
def test_numbers_that_would_fill_the_memory_are_refused(tmp_path, number):
    file = tmp_path / "batch"
    file.write_bytes(b"\x80\x02}r" + struct.pack("<I", number) + b".")
    with pytest.raises(InputError, match=f"value {number} remembered in a file of 9 bytes"):
        load_pickled_dict(file)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="it is a pipe and not a file"):
        load_pickled_dict(tmp_path / "pipe")
