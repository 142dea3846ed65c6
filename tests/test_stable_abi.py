"""The compiled extension needs nothing of torch but its stable ABI, so one build fits every torch.

Read from the library's table of undefined symbols. What torch promises to keep: C functions whose
names begin with ``aoti_torch_`` or ``torch_`` (torch/csrc/stable/c/shim.h and what it includes).
"""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import torch

from tegnas.ops._library import native

pytestmark = pytest.mark.skipif(
    shutil.which("nm") is None or shutil.which("readelf") is None,
    reason="binutils (nm, readelf) are needed to read the library",
)

TORCH = r"(aoti_)?torch_\w+"
PYTHON = r"_?Py\w+"
# Of the C and C++ libraries, whose symbols carry versions, of CUDA's runtime, and what the linker
# adds to every library.
SYSTEM = r"\w+@+(GLIBC|GLIBCXX|CXXABI|GCC|libcudart)\S*|_*cuda[A-Z]\w*|_ITM_\w+|__gmon_start__"


def read(*command: str) -> str:
    done = subprocess.run([*command, native.__file__], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def undefined() -> list[str]:
    return [line.split()[-1] for line in read("nm", "--dynamic", "--undefined-only").splitlines()]


def test_no_symbol_outside_the_stable_lists_is_needed(undefined):
    allowed = re.compile(f"{TORCH}|{PYTHON}|{SYSTEM}")
    assert [name for name in undefined if not allowed.fullmatch(name)] == []


def test_the_stable_abi_is_what_torch_is_called_by(undefined):
    assert {"torch_library_impl", "torch_parallel_for"} <= set(undefined)


def test_every_function_of_torch_that_is_needed_is_there(undefined):
    """Lazy binding would tell of a missing one only when it's called."""
    import ctypes
    from pathlib import Path

    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    needed = [name for name in undefined if re.fullmatch(TORCH, name)]
    assert [name for name in needed if "cuda" not in name and not hasattr(library, name)] == []


def test_only_the_library_with_the_stable_abi_is_linked():
    needed = re.findall(r"\(NEEDED\).*\[(lib\w+)", read("readelf", "--dynamic"))
    assert {name for name in needed if "torch" in name or "c10" in name} <= {
        "libtorch_cpu",
        "libtorch_cuda",
    }
    assert "libgomp" not in needed  # torch's threads are asked for by torch_parallel_for


def test_the_module_is_all_that_the_library_shows():
    shown = [line.split()[-1] for line in read("nm", "--dynamic", "--defined-only").splitlines()]
    assert "PyInit__C" in shown
    # Copies of the C++ library's templates aside.
    assert [name for name in shown if re.match(r"_ZNK?(6tegnas|5torch|2at|3c10)", name)] == []
