"""What setup.py decides before it compiles: CPU or CUDA, for which GPUs, and from which files.

The decision is a function of plain values so that it is tested without torch, nvcc or a GPU.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The oldest torch that the extension loads in: its calls keep to the stable ABI of that release.
OLDEST_TORCH = (2, 10)
TARGET_VERSION = f"0x{OLDEST_TORCH[0]:02x}{OLDEST_TORCH[1]:02x}000000000000ULL"
# The newest torch whose headers of the stable ABI were seen to be C++17.
NEWEST_CXX17_TORCH = (2, 14)
# Patterns of source files: of each level of optimisation, and of what takes the compiler longest.
LEVELS = {
    "O3": r"csrc/kernels/cpu/([^/]*|gram/.*|isa/.*)\.cpp$",
    "O2": r"csrc/kernels/",
    "O1": r"csrc/ops/",
}
LONGEST = r"csrc/(ops/library|kernels/cpu/isa/.*)\.cpp$"
DEFAULT_ARCH_LIST = "8.0;9.0+PTX"
OLDEST_SETUPTOOLS = (77,)  # reads the licence as pyproject.toml has it
# What the C++ code needs at least, as a program that compiles nowhere else.
CXX_PROBE = "#include <array>\n#include <cstdint>\n#if __cplusplus < 201703L\n#error\n#endif\n"
TO_COMPILE = "pip install 'torch>=2.10' 'setuptools>=77' wheel ninja"


class BuildError(Exception):
    """What was asked for can't be built here; the message says why and what to do."""


@dataclass(frozen=True)
class Machine:
    """What there is to build with."""

    torch_cuda: str | None  # torch.version.cuda, None for a CPU-only torch
    nvcc: str | None  # the compiler's CUDA version, None where nvcc isn't found
    gpu_visible: bool
    cuda_sources: bool = True  # whether this source tree holds CUDA kernels
    nvcc_archs: tuple[str, ...] = ()  # what nvcc compiles for, such as "8.0"; empty: unknown


@dataclass(frozen=True)
class Choice:
    """What will be built, and why, in words for the build log."""

    cuda: bool
    reason: str
    arch_list: str | None = None

    def describe(self) -> str:
        if not self.cuda:
            return f"CPU only ({self.reason})"
        return f"CPU and CUDA ({self.reason}) for {self.arch_list or 'the visible GPUs'}"


def choose(machine: Machine, environ: Mapping[str, str]) -> Choice:
    """Weighs the machine against FORCE_CUDA, TEGNAS_CPU_ONLY and TORCH_CUDA_ARCH_LIST.

    Raises BuildError where the wishes contradict each other or the machine can't fulfil them.
    """
    force, forbid = _is_set(environ, "FORCE_CUDA"), _is_set(environ, "TEGNAS_CPU_ONLY")
    if force and forbid:
        raise BuildError(
            "tegnas: FORCE_CUDA=1 and TEGNAS_CPU_ONLY=1 contradict each other; unset one of them."
        )
    if forbid:
        return Choice(False, "TEGNAS_CPU_ONLY=1")
    obstacle = _obstacle(machine)
    if obstacle:
        if force:
            raise BuildError(f"tegnas: FORCE_CUDA=1, but {obstacle[0]}; {obstacle[1]}.")
        return Choice(False, obstacle[0])
    arch_list = environ.get("TORCH_CUDA_ARCH_LIST") or None
    if arch_list is None and not machine.gpu_visible:
        arch_list = DEFAULT_ARCH_LIST
    _check_archs(arch_list or "", machine)
    return Choice(True, f"nvcc {machine.nvcc}, torch for CUDA {machine.torch_cuda}", arch_list)


def _check_archs(arch_list: str, machine: Machine) -> None:
    """Refuses an architecture before nvcc does, which would name neither it nor a way out."""
    numbers = re.findall(r"(?<![\w.])\d+\.\d+", arch_list)
    unknown = [number for number in numbers if number not in machine.nvcc_archs]
    if machine.nvcc_archs and unknown:
        raise BuildError(
            f"tegnas: nvcc {machine.nvcc} doesn't compile for {', '.join(unknown)} of "
            f"TORCH_CUDA_ARCH_LIST; choose from {', '.join(machine.nvcc_archs)} or install "
            f"another CUDA toolkit."
        )


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "") not in ("", "0")


def _obstacle(machine: Machine) -> tuple[str, str] | None:
    """Why CUDA can't be built here, and the way out."""
    if not machine.cuda_sources:
        return "this source tree holds no CUDA kernels", "use a release that does"
    if machine.torch_cuda is None:
        return "torch is a CPU-only build", "install a CUDA build of torch"
    if machine.nvcc is None:
        return "nvcc was not found", "install the CUDA toolkit or point CUDA_HOME at it"
    if machine.nvcc.split(".")[0] != machine.torch_cuda.split(".")[0]:
        return (
            f"nvcc is for CUDA {machine.nvcc} and torch for CUDA {machine.torch_cuda}",
            f"point CUDA_HOME at a CUDA {machine.torch_cuda} toolkit",
        )
    return None


def nvcc_version(cuda_home: str | None) -> str | None:
    """The CUDA version of the nvcc in ``cuda_home`` or on PATH, such as "13.0"."""
    found = re.search(r"release (\d+\.\d+)", _ask_nvcc(cuda_home, "--version"))
    return found.group(1) if found else None


def nvcc_archs(cuda_home: str | None) -> tuple[str, ...]:
    """The architectures that nvcc compiles for, such as "8.0"; empty where it doesn't say."""
    found = re.findall(r"compute_(\d+)(\d)\b", _ask_nvcc(cuda_home, "--list-gpu-arch"))
    return tuple(f"{major}.{minor}" for major, minor in found)


def _ask_nvcc(cuda_home: str | None, option: str) -> str:
    nvcc = os.path.join(cuda_home, "bin", "nvcc") if cuda_home else shutil.which("nvcc")
    if not nvcc or not os.path.exists(nvcc):
        return ""
    return subprocess.run([nvcc, option], capture_output=True, text=True).stdout


def sources(root: Path, *, cuda: bool) -> list[str]:
    """The files of the extension, relative to ``root`` and sorted."""
    ops = [file for file in (root / "csrc/ops").rglob("*.cpp") if file.parent.name != "cuda"]
    # Those of csrc/kernels/cuda too: what the host does for a GPU needs none.
    chosen = [*ops, *(root / "csrc/kernels").rglob("*.cpp")]
    if cuda:
        chosen += cuda_sources(root)
    return sorted(file.relative_to(root).as_posix() for file in chosen)


def by_level(sources: Sequence[str]) -> dict[str, list[str]]:
    """The files to compile with each level, in an order that keeps all cores busy.

    -O3 is for kernels: with -O2 some are half as fast, and the engine's give other last bits. What
    prepares them loses nothing by -O2, and what only reads arguments and calls them nothing by -O1.
    """
    levels: dict[str, list[str]] = {level: [] for level in LEVELS}
    for source in sorted(sources, key=lambda source: re.search(LONGEST, source) is None):
        levels[next(level for level in LEVELS if re.search(LEVELS[level], source))].append(source)
    return levels


def cxx_standard(torch: str) -> str:
    """The standard to compile with beside a torch, as -std takes it.

    The kernels are C++17, and so are the headers of torch's stable ABI as far as they are known;
    the standard library's are shorter to read in it than in C++20, torch's own choice.
    """
    return "c++17" if _numbers(torch) <= NEWEST_CXX17_TORCH else "c++20"


def cuda_sources(root: Path) -> list[Path]:
    """Kernel launchers and the ops that call them."""
    return [*(root / "csrc/kernels/cuda").rglob("*.cu"), *(root / "csrc/ops/cuda").rglob("*.cpp")]


def setuptools_obstacle(version: str) -> str | None:
    """Why this setuptools can't build tegnas, and the way out, in one sentence."""
    if _numbers(version) >= OLDEST_SETUPTOOLS:
        return None
    return (
        f"tegnas: building needs setuptools 77 or newer and this is {version}; run pip install "
        "--upgrade 'setuptools>=77' wheel, then the same command again."
    )


def torch_obstacle(version: str | None) -> str | None:
    """Why the extension can't be compiled beside this torch, None for none."""
    if version is None:
        return (
            "tegnas: the extension is compiled with the headers of an installed torch and there is "
            "none here (with build isolation pip hides the one that is installed); run "
            f"{TO_COMPILE}, then pip install --no-build-isolation ."
        )
    if _numbers(version) >= OLDEST_TORCH:
        return None
    return (
        f"tegnas: torch 2.10 or newer is needed and {version} is installed; run pip install "
        "--upgrade 'torch>=2.10', then the same command again."
    )


def compiler_obstacle(command: str) -> str | None:
    """Why a C++ compiler, given as in the variable CXX, can't compile the extension."""
    words = shlex.split(command)
    if not words or shutil.which(words[0]) is None:
        return (
            f"tegnas: there is no C++ compiler here ({command} is not found); install one (Debian "
            "and Ubuntu: apt install g++, Fedora: dnf install gcc-c++, conda: conda install "
            "cxx-compiler) or name yours in CXX; a wheel needs none."
        )
    probe = [*words, "-std=c++20", "-x", "c++", "-fsyntax-only", "-"]
    if subprocess.run(probe, input=CXX_PROBE, capture_output=True, text=True).returncode == 0:
        return None
    return (
        f"tegnas: the C++ compiler {command} doesn't compile C++20, which torch's headers are "
        "written in; install GCC 11 or newer, or Clang 14 or newer, and name it in CXX, as in "
        "CXX=g++-12; a wheel needs none."
    )


def cxx_command(environ: Mapping[str, str]) -> str:
    """What compiles C++ here."""
    return environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
