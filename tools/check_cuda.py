"""``make check-cuda``: the whole CUDA extension compiled, linked and loaded, without a GPU.

In a virtual environment of its own inside the project it installs a CUDA build of torch, builds the
extension for every architecture of ARCH_LIST against the toolkit whose nvcc is on PATH, loads it,
checks that every operator has its CUDA kernel, and prints what each kernel takes of a GPU. It
fails if a kernel of ours spills registers to memory.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
from gpu.toolkit import (  # noqa: E402
    ARCH_LIST,
    WORK,
    build_environment,
    cuda_home,
    library_folder,
    objects_folder,
)

import build_support  # noqa: E402

TORCH = "torch==2.14.1"
# What a machine with a GPU is expected to have, for the dry run of check_gpu.py.
PACKAGES = "numpy scipy scikit-learn typer rich pytest pytest-benchmark hypothesis matplotlib"
BUILD_PACKAGES = "setuptools>=77 wheel ninja"
VENV = ROOT / ".venv-cuda"
OUT = ROOT / WORK
FLAGS = ["-std=c++20", "-O3", "--expt-relaxed-constexpr", f"-I{ROOT / 'csrc'}"]

LOAD = """
import importlib.util, sys, torch
spec = importlib.util.spec_from_file_location("tegnas._C", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert module.build_info()["cuda"], "the extension was built without CUDA"
print(f"loaded with torch {torch.__version__}, GPU visible: {torch.cuda.is_available()}")
names = sorted(n for n in torch._C._dispatch_get_all_op_names() if n.startswith("tegnas::"))
assert names, "no operator is registered"
has = {name: torch._C._dispatch_has_kernel_for_dispatch_key(name, "CUDA") for name in names}
for name in names:
    print(f"  {name}: {'CUDA kernel' if has[name] else 'NO CUDA KERNEL'}")
sys.exit(not all(has.values()))
"""


@dataclass(frozen=True)
class Resources:
    """What ptxas says of one kernel on one architecture."""

    kernel: str
    arch: str
    registers: int
    shared: int
    spills: int  # bytes stored and loaded

    @property
    def ours(self) -> bool:
        return self.kernel.startswith("tegnas::cuda::")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    jobs = parser.parse_args().jobs
    home = cuda_home()
    python = with_step("environment", lambda: environment())
    library = with_step("build", lambda: build(python, home, jobs))
    with_step("load", lambda: load(python, library))
    found = with_step("resources", lambda: measure(home, jobs))
    print_table(found)
    spilling = sorted({each.kernel for each in found if each.ours and each.spills})
    if spilling:
        raise SystemExit(f"check-cuda: these kernels spill registers: {', '.join(spilling)}")
    print("check-cuda: passed; nothing was run on a GPU")


def with_step(name, action):
    """Runs one step and says how long it took."""
    begin = time.monotonic()
    result = action()
    print(f"check-cuda: {name}: {time.monotonic() - begin:.0f} s", flush=True)
    return result


def environment() -> Path:
    """The interpreter of the virtual environment with a CUDA torch, made on first use."""
    python, stamp = VENV / "bin" / "python", VENV / ".installed"
    wanted = f"{TORCH} {PACKAGES} {BUILD_PACKAGES}"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted.split()], check=True)
        stamp.write_text(wanted)
    return python


def build(python: Path, home: Path, jobs: int) -> Path:
    """Builds the extension outside of the package and gives its path."""
    environ = build_environment(python, home, arch_list=ARCH_LIST, jobs=jobs)
    OUT.mkdir(parents=True, exist_ok=True)
    log = OUT / "build.log"
    library = library_folder(OUT)
    command = [str(python), "setup.py", "build_ext", "--build-lib", str(library)]
    command += ["--build-temp", str(objects_folder(OUT))]
    with log.open("w") as out:
        status = subprocess.run(command, cwd=ROOT, env=environ, stdout=out, stderr=out).returncode
    if status != 0:
        tail = "\n".join(log.read_text().splitlines()[-40:])
        raise SystemExit(f"{tail}\ncheck-cuda: the build failed; all of its output is in {log}.")
    (extension,) = (library / "tegnas").glob("_C*.so")
    return extension


def load(python: Path, library: Path) -> None:
    """Loads the library in a fresh process, where operators without a CUDA kernel are an error."""
    if subprocess.run([str(python), "-c", LOAD, str(library)]).returncode != 0:
        raise SystemExit("check-cuda: the extension doesn't load or lacks kernels; see above.")


def measure(home: Path, jobs: int) -> list[Resources]:
    """Registers, shared memory and spills of every kernel, as ptxas reports them."""
    archs = sorted(set(re.findall(r"\d+\.\d+", ARCH_LIST)))
    codes = [f"-gencode=arch=compute_{a},code=sm_{a}" for a in (a.replace(".", "") for a in archs)]

    def compile_one(source: Path) -> str:
        to = OUT / (source.stem + ".o")
        command = [home / "bin" / "nvcc", *FLAGS, *codes, "-Xptxas=-v", "-c", source, "-o", to]
        return run([str(part) for part in command])

    sources = [file for file in build_support.cuda_sources(ROOT) if file.suffix == ".cu"]
    with ThreadPoolExecutor(jobs) as pool:
        printed = "".join(pool.map(compile_one, sorted(sources)))
    return parse_ptxas(demangle(printed))


def parse_ptxas(printed: str) -> list[Resources]:
    """Reads the output of ``ptxas -v``, names demangled."""
    found = re.findall(
        r"Compiling entry function '(.+?)' for '(sm_\d+)'.*?"
        r"(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers([^\n]*)",
        printed,
        re.DOTALL,
    )
    enumerators = engine_kernels()

    def named(number: re.Match[str]) -> str:
        return enumerators[int(number.group(1))]

    resources = []
    for name, arch, stores, loads, registers, rest in found:
        shared = re.search(r"(\d+) bytes smem", rest)
        # Up to the arguments; an enumerator in the template arguments has brackets of its own.
        kernel = name.removeprefix("void ")
        kernel = re.sub(r"\(tegnas::cuda::grouped::Kernel\)(\d+)", named, kernel)
        kernel = kernel.split("(")[0]
        resources.append(
            Resources(
                kernel,
                arch,
                int(registers),
                int(shared.group(1)) if shared else 0,
                int(stores) + int(loads),
            )
        )
    return sorted(resources, key=lambda each: (not each.ours, each.kernel, each.arch))


def engine_kernels() -> list[str]:
    """The enumerators of ``Kernel``, which the demangler gives as numbers."""
    header = (ROOT / "csrc" / "kernels" / "cuda" / "grouped" / "kinds.h").read_text()
    listed = re.search(r"enum class Kernel[^{]*{([^}]*)}", header)
    assert listed is not None
    return re.findall(r"\w+", re.sub(r"//.*", "", listed.group(1)))


def print_table(found: list[Resources]) -> None:
    print(f"{'registers':>9} {'static shared':>13} {'spills':>6}  arch   kernel")
    for each in found:
        name = each.kernel.removeprefix("tegnas::cuda::") if each.ours else f"(CUB) {each.kernel}"
        print(f"{each.registers:9} {each.shared:13} {each.spills:6}  {each.arch}  {name[:90]}")


def demangle(text: str) -> str:
    return subprocess.run(
        ["c++filt"], input=text, capture_output=True, text=True, check=True
    ).stdout


def run(command: list[str]) -> str:
    """Both outputs of a command; exits with them if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\ncheck-cuda: {command[0]} failed.")
    return done.stdout


if __name__ == "__main__":
    main()
