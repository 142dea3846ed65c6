"""Every header of csrc compiles by itself: part of ``make lint``.

    python tools/check_headers.py [--jobs N] [HEADER ...]

Each is read alone (-fsyntax-only), CUDA kernels by way of the harness that runs them on the CPU;
all but those that a source file includes before anything else, which its compilation reads alone.
Headers that need the CUDA toolkit are read where there is one.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from torch.utils import cpp_extension

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import build_support  # noqa: E402

CSRC = ROOT / "csrc"
CXX = shlex.split(build_support.cxx_command(os.environ))
FLAGS = [
    "-std=c++20",
    "-fsyntax-only",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
    "-Wno-unused-parameter",
    "-Wno-unknown-pragmas",  # nvcc's
]
DEFINES = ["-DTEGNAS_CUDA_ON_CPU", f"-DTORCH_TARGET_VERSION={build_support.TARGET_VERSION}"]
CUDA = [f"-I{cpp_extension.CUDA_HOME}/include"] if cpp_extension.CUDA_HOME else []
FOLDERS = [f"-I{CSRC}", *CUDA, *(f"-isystem{folder}" for folder in cpp_extension.include_paths())]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("headers", nargs="*", type=Path, help="these alone")
    options = parser.parse_args()
    everywhere = {*CSRC.rglob("*.h"), *CSRC.rglob("*.cuh")}
    headers = options.headers or sorted(everywhere - read_by_sources())
    readable = [header for header in headers if CUDA or not needs_cuda(header)]
    with ThreadPoolExecutor(options.jobs) as pool:
        errors = [text for text in pool.map(read_alone, readable) if text]
    if errors:
        raise SystemExit("\n".join(errors))
    left = f", {len(headers) - len(readable)} need the CUDA toolkit" if headers != readable else ""
    print(f"check-headers: {len(readable)} headers compile by themselves{left}")


def read_by_sources() -> set[Path]:
    """The headers that stand at the top of a source file, with no directive before them."""
    sources = [file for file in CSRC.rglob("*.cpp") if file.parent != CSRC / "ops/cuda"]
    tops = [re.search(r"^#.*", file.read_text(), re.MULTILINE) for file in sources]
    lines = [re.fullmatch(r'#include "(.*)"', top[0]) for top in tops if top]
    return {CSRC / line[1] for line in lines if line}


@cache
def needs_cuda(header: Path) -> bool:
    """Whether it includes the toolkit's headers, or a header that does."""
    text = header.read_text()
    names = re.findall(r'^#include "(.*)"', text, re.MULTILINE)
    own = [file for name in names for file in (header.parent / name, CSRC / name) if file.exists()]
    return "#include <cuda_runtime_api.h>" in text or any(map(needs_cuda, own))


def read_alone(header: Path) -> str:
    """What the compiler says of a header with nothing before it; empty where it is content."""
    command = [*CXX, *FLAGS, *DEFINES, *FOLDERS, "-Werror", "-x", "c++", "-"]
    source = f'#include "{header.resolve()}"\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


if __name__ == "__main__":
    main()
